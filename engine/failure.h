// The last word of a plugin that failed in a way it did not see coming.
#ifndef BAUTA_FAILURE_H
#define BAUTA_FAILURE_H

// Prints a CNI error object (code 999) on standard output. Message and details are the strings of two lists that end with
// NULL, put together; positions in `details` become TypeScript lines. Allocates nothing.
void bauta_print_failure(const char *const *message, const char *const *details);

#endif
