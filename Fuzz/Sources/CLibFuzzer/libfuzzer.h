#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with a program's arguments; exits the process when it finds something.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
