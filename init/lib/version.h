/* The version of the node binary and of the host programs; they are released together. */
#ifndef LUCIE_VERSION_H
#define LUCIE_VERSION_H

#define LUCIE_VERSION "0.1"

#endif
