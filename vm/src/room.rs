//! Room in collections beside the arena, within the memory budget.

use hashbrown::HashTable;
use regovm_core::value::{Arena, MemoryExceeded};

/// Makes room for more elements of a vector.
pub(crate) fn room<T>(vec: &mut Vec<T>, more: usize, arena: &Arena) -> Result<(), MemoryExceeded> {
    if vec.capacity() - vec.len() >= more {
        return Ok(());
    }
    let capacity = (vec.len() + more).max(2 * vec.capacity()).max(8);
    arena.claim((capacity - vec.capacity()).saturating_mul(size_of::<T>()))?;
    vec.reserve_exact(capacity - vec.len());
    Ok(())
}

/// Makes room for more entries of a table, if there is none for one.
pub(crate) fn room_in_table<T>(
    table: &mut HashTable<T>,
    more: usize,
    arena: &Arena,
    hash: impl Fn(&T) -> u64,
) -> Result<(), MemoryExceeded> {
    if table.len() < table.capacity() {
        return Ok(());
    }
    // For a moment there are the old table and the new one, at most a power of two of places of which an eighth stays free.
    let before = table.allocation_size();
    let places = (table.len() + more).max(2 * table.capacity()).max(16) * 8 / 7;
    let claimed = places.next_power_of_two() * (size_of::<T>() + 1) + 64;
    arena.claim(claimed)?;
    table.reserve(more, hash);
    arena.release((claimed + before).saturating_sub(table.allocation_size()));
    Ok(())
}
