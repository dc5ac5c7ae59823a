// Learns which blocks of the snapshot's heap a plugin uses. The blocks that a plugin writes to, mostly the reference counts of
// functions that it calls, lie scattered over half of all pages, and the first write to a page of the snapshot copies the page
// (1 to 2.5 us). The blocks that a plugin only reads lie on nearly all pages, and the first look at a page maps sixteen of them
// (as long). The build has a trainer run some calls (training.mjs), and then lays the used blocks side by side.
//
// The trainer is the executable compiled with BAUTA_TRAINING. Blocks are known by the order in which they are cut, which is
// the same whenever the same bundle runs.
#ifndef BAUTA_TRAINING_H
#define BAUTA_TRAINING_H

#include <stdbool.h>
#include <stddef.h>

// The blocks that the module level has given back need no place in the snapshot at all: they are a tenth of the heap.

// What a block is used for, in the notes and in image.h.
enum bauta_use { BAUTA_UNUSED = 0, BAUTA_READ = 1, BAUTA_FREED = 2, BAUTA_WRITTEN = 3 };

// Memory for the block that is cut as the `ordinal`th, a page of its own. NULL for large blocks, and after bauta_watch.
char *bauta_train_on(size_t ordinal, size_t size);

// Remembers where the block is that was cut as the `ordinal`th, and that has no pages of its own.
void bauta_train_at(size_t ordinal, const void *block);

// Notes that the block has been given back.
void bauta_train_freed(const void *block);

// From now on notes each block that is used in the file that the environment variable BAUTA_TRAINING names: for each
// ordinal 16 bits, the block's size, a multiple of 8, plus its use.
void bauta_watch(void);

// To be called around a system call: the kernel takes no signal, and answers EFAULT for memory that is watched. The blocks
// that the arguments point to count as written to.
void bauta_look_away(const long arguments[6]);
void bauta_look_again(void);

#endif
