/* When the machine woke, from the moments at which its sleepers did; nobody is awake just to look, and nothing is traced,
 * because that changes how Linux sleeps. The same rule as for ours (source/apps/bench/src/moments.rs): whoever is woken
 * together runs one after the other, and a step of 100 us in which nobody woke says that the machine slept.
 */
#include <stdio.h>
#include <string.h>
#include "moments.h"

#define STEP_US 100
#define TICKS_A_STEP (STEP_US * 10)
#define STRETCH 1000 /* steps */
#define MARGIN 1000  /* the load goes on meanwhile, so that its end is not in the stretch */

void moments(int tasks, long period_ms, unsigned long slack_us, const unsigned long *woke, unsigned long now) {
    static char is_awake[STRETCH + 1]; /* one step before the stretch, to know who was awake already */
    unsigned long first = now / TICKS_A_STEP - MARGIN - STRETCH - 1;
    int count = 0;
    memset(is_awake, 0, sizeof is_awake);
    for (int i = 0; i < tasks * LAST; i++) {
        unsigned long step = woke[i] / TICKS_A_STEP - first;
        if (step <= STRETCH) is_awake[step] = 1;
    }
    for (int step = 1; step <= STRETCH; step++) count += is_awake[step] && !is_awake[step - 1];
    printf("M coalesce N=%d period=%ldms slack_us=%lu n=%d at_us=", tasks, period_ms, slack_us, count);
    const char *comma = "";
    for (int step = 1; step <= STRETCH; step++)
        if (is_awake[step] && !is_awake[step - 1]) { printf("%s%d", comma, (step - 1) * STEP_US); comma = ","; }
    printf("\n");
}
