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

/// Makes room for one more entry of a table.
pub(crate) fn room_in_table<T>(
    table: &mut HashTable<T>,
    arena: &Arena,
    hash: impl Fn(&T) -> u64,
) -> Result<(), MemoryExceeded> {
    if table.len() < table.capacity() {
        return Ok(());
    }
    // For a moment there are the old table and one twice as large.
    let before = table.allocation_size();
    let claimed = 2 * before + 64 * size_of::<T>();
    arena.claim(claimed)?;
    table.reserve(1, hash);
    arena.release((claimed + before).saturating_sub(table.allocation_size()));
    Ok(())
}
