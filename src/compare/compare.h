/* compare/compare.h: `tailrace compare`: change capture beside polling, on one table and under one load. argv[0] is the command's name. */
#ifndef COMPARE_COMPARE_H
#define COMPARE_COMPARE_H

int compare_main(int argc, char **argv);

#endif
