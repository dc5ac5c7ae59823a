/* A process that does nothing: what the kernel takes to start and end any. */
int main(void) { return 0; }
