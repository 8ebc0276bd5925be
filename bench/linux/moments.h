/* Wake-ups of a sleeper that are remembered. */
#define LAST 8
/* Prints "M coalesce N=.. period=..ms slack_us=.. n=<count> at_us=<microseconds>,...": when the machine woke in 100 ms
 * that ended 100 ms before `now`, from the sleepers' last wake-ups, all in ticks of rdtime. */
void moments(int tasks, long period_ms, unsigned long slack_us, const unsigned long *woke, unsigned long now);
