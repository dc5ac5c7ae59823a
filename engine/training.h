// Learns which blocks of the snapshot's heap a plugin writes to: mostly the reference counts of functions that it calls. A
// page of the snapshot is copied at the first write to it (1 to 2.5 us), and these blocks lie scattered over half of all
// pages. The build has a trainer run some calls (training.mjs) and then puts the blocks that it names side by side.
//
// The trainer is the executable compiled with BAUTA_TRAINING. Blocks are known by the order in which they are cut, which is
// the same whenever the same bundle runs.
#ifndef BAUTA_TRAINING_H
#define BAUTA_TRAINING_H

#include <stdbool.h>
#include <stddef.h>

// Memory for the block that is cut as the `ordinal`th, pages of its own. NULL for large blocks, and after bauta_watch.
void *bauta_train_on(size_t ordinal, size_t size);

// From now on notes each block that is written to in the file that the environment variable BAUTA_TRAINING names: for each
// ordinal 16 bits, the block's size, plus one if it is written to.
void bauta_watch(void);

#endif
