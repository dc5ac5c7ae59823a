// Learns which blocks of the snapshot's heap a plugin uses. Those that it writes to, mostly the reference counts of
// functions that it calls, lie scattered over half of all pages, and a page of the snapshot is copied at the first write to
// it (1 to 2.5 us); those that it only reads lie on nearly all pages, each sixteen of which are mapped at the first look at
// one (as long). The build has a trainer run some calls (training.mjs) and then puts the blocks that it names side by side.
//
// The trainer is the executable compiled with BAUTA_TRAINING. Blocks are known by the order in which they are cut, which is
// the same whenever the same bundle runs.
#ifndef BAUTA_TRAINING_H
#define BAUTA_TRAINING_H

#include <stdbool.h>
#include <stddef.h>

// What a block is used for, in the notes and in image.h.
enum bauta_use { BAUTA_UNUSED = 0, BAUTA_READ = 1, BAUTA_WRITTEN = 3 };

// Memory for the block that is cut as the `ordinal`th, pages of its own. NULL for large blocks, and after bauta_watch.
void *bauta_train_on(size_t ordinal, size_t size);

// From now on notes each block that is used in the file that the environment variable BAUTA_TRAINING names: for each
// ordinal 16 bits, the block's size, a multiple of 16, plus its use.
void bauta_watch(void);

// Around a system call: the kernel, which takes no signals, would answer EFAULT for memory that is watched. The blocks that
// its arguments lead to count as written to.
void bauta_look_away(const long arguments[6]);
void bauta_look_again(void);

#endif
