#include "page.h"

// The page pack is made by `make page` (Web/scripts). A build without it serves a plain page instead.
// C has no form of this before C23; clang reads it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"
#define MARTLET_PAGE_PACK "../../Web/dist/page.pack"

#if defined(__has_embed)
#if __has_embed(MARTLET_PAGE_PACK) == __STDC_EMBED_FOUND__
#define MARTLET_HAS_PAGE 1
#endif
#endif

#ifdef MARTLET_HAS_PAGE
// An array of constant bytes costs no memory until it is read: the system maps it from the program's file.
static const unsigned char page[] = {
#embed MARTLET_PAGE_PACK
};

const unsigned char *martlet_page_bytes(void) { return page; }
size_t martlet_page_size(void) { return sizeof page; }
#else
const unsigned char *martlet_page_bytes(void) { return NULL; }
size_t martlet_page_size(void) { return 0; }
#endif
