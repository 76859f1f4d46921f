#ifndef MARTLET_CLLAMA_SHIM_H
#define MARTLET_CLLAMA_SHIM_H

#include <llama.h>

#endif
