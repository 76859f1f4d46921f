#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with the program's arguments. Exits the process at the first finding.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
