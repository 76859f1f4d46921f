#ifndef MARTLET_PAGE_H
#define MARTLET_PAGE_H

#include <stddef.h>

// The first byte of the embedded page pack; NULL in a build without the page. The bytes are constant and live for ever.
const unsigned char *martlet_page_bytes(void);

// The number of bytes of the embedded page pack; 0 in a build without the page.
size_t martlet_page_size(void);

#endif
