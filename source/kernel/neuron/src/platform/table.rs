//! A list with a stated bound and no heap: what the device tree may repeat.

use core::ops::Deref;

/// Up to `N` items, read as a slice.
#[derive(Clone, Copy)]
pub struct Table<T, const N: usize> {
    items: [T; N],
    len: usize,
}

/// The bound is reached; the table is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl<T: Copy, const N: usize> Table<T, N> {
    /// An empty table; `filler` occupies the unused places and is never seen.
    pub const fn new(filler: T) -> Self {
        Self { items: [filler; N], len: 0 }
    }

    /// Appends. O(1).
    pub fn push(&mut self, item: T) -> Result<(), Full> {
        *self.items.get_mut(self.len).ok_or(Full)? = item;
        self.len += 1;
        Ok(())
    }

    /// Inserts before the first item with a larger key. O(N).
    pub fn insert_sorted<K: Ord>(&mut self, item: T, key: impl Fn(&T) -> K) -> Result<(), Full> {
        let at = self.partition_point(|present| key(present) <= key(&item));
        self.push(item)?;
        if let Some(tail) = self.items.get_mut(at..self.len) {
            tail.rotate_right(1);
        }
        Ok(())
    }

    /// Takes out the item at `index`, if there is one. O(N).
    pub fn remove(&mut self, index: usize) -> Option<T> {
        let item = self.get(index).copied()?;
        if let Some(tail) = self.items.get_mut(index..self.len) {
            tail.rotate_left(1);
        }
        self.len -= 1;
        Some(item)
    }
}

impl<T, const N: usize> Deref for Table<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.items.get(..self.len).unwrap_or(&[])
    }
}

impl<T: core::fmt::Debug, const N: usize> core::fmt::Debug for Table<T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Table<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_refuses_and_keeps_what_it_has() {
        let mut table = Table::<u8, 2>::new(0);
        assert_eq!((table.push(1), table.push(2), table.push(3)), (Ok(()), Ok(()), Err(Full)));
        assert_eq!(table.insert_sorted(0, |item| *item), Err(Full));
        assert_eq!(*table, [1, 2]);
    }

    #[test]
    fn sorted_insertion_and_removal_keep_the_order() {
        let mut table = Table::<u8, 8>::new(0);
        for item in [5, 1, 9, 3] {
            table.insert_sorted(item, |item| *item).unwrap();
        }
        assert_eq!(*table, [1, 3, 5, 9]);
        assert_eq!(table.remove(1), Some(3));
        assert_eq!(table.remove(3), None);
        assert_eq!(*table, [1, 5, 9]);
    }
}
