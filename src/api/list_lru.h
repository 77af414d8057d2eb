/*
 * list_lru.h - what fork.c asks of the lists of caches (list_lru.c).
 */
#ifndef API_LIST_LRU_H
#define API_LIST_LRU_H

/* Before all other locks; parent and child give them back. */
void list_lrus_fork_lock(void);
void list_lrus_fork_unlock(void);

#endif
