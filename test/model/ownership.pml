/*
 * Who owns an address under masquerade: the protocol of src/masquerade/nftables and src/owned, step by step.
 *
 * Attachments have the same address: one took it after the reservation of the other was lost. A step is what nobody sees in
 * halves: a rename of a file, a look at an element, a transaction. Between two steps everybody else may do theirs, and a
 * process may be killed.
 *
 *   ADD      runtime(): add()       claim.ts: the record, then the elements; cheaply, or by the generation
 *   DEL      runtime(): release()   release.ts: the record is renamed, the elements go or go back, the record goes
 *   late DEL sweeper()              a second DEL or `bauta gc` for a container that is gone, at any time
 *   restore  restorer()             restore.ts, at any time
 *   flush    flusher()              `nft flush ruleset` by another program
 *   GC       the end of runtime()   search in release.ts: what a restore has left that was killed
 *
 * -DFAULT=n takes one precaution away: spin must find what goes wrong then (test/model/ownership.test.ts).
 */
#ifndef FAULT
#define FAULT 0
#endif
#define GENERATION_IGNORED 1   /* an exact change is committed whatever came in between */
#define RECORD_LAST 2          /* the record comes after the elements */
#define NOT_GIVEN_BACK 3       /* a departing owner takes the element of the one before along */
#define OWNER_IGNORED 4        /* a DEL takes the elements whoever owns them */
#define NO_SECOND_LOOK 5       /* nobody looks whether the one who got an address back is gone by now */
#define RESTORED_UNSEEN 6      /* restore does not look whether what it has put back is gone by now */
#define LEAVING_FORGOTTEN 9    /* an ADD does not end first what a killed DEL has begun */
#define DEAD_KEEP 8            /* a DEL leaves what has gone back to one who is gone */
#define RESTORED_ONCE 7        /* restore does not look again who is to have what it has taken from one who is gone */

#ifndef SWEEPS
#define SWEEPS 1               /* so many late DELs */
#endif
#ifndef FLUSHES
#define FLUSHES 1
#endif
#ifndef RESTORES
#define RESTORES 1
#endif
#ifndef ADDS
#define ADDS 2                 /* so many ADDs of each attachment */
#endif
#ifndef KILLS
#define KILLS 1                /* so many kills, of whomever */
#endif

#define ATTACHMENTS 2
#define NOBODY 2
#define PROCESSES 4            /* a runtime for each attachment, the sweeper, the restorer */
#define SWEEPER 2
#define RESTORER 3

byte owner = NOBODY;              /* of the address' elements */
bool unchanged[PROCESSES];        /* nobody has committed since this process asked for the generation */
bool live[ATTACHMENTS];           /* the record is there */
bool leaving[ATTACHMENTS];        /* the record of an attachment that is being removed is there */
byte displaced[ATTACHMENTS] = NOBODY;         /* whom the record says that the attachment has taken the address from */
byte displacedByLeaving[ATTACHMENTS] = NOBODY;
byte newest = NOBODY;             /* whose record was written last */

/* What the runtimes know, and what is allowed to be otherwise. */
bool attached[ATTACHMENTS];       /* the last ADD has succeeded, and no DEL has begun */
bool unfinished[ATTACHMENTS];     /* a process was killed, and no DEL has ended since */
bool gone[ATTACHMENTS];           /* the container's network namespace is there no more */
byte busy;                        /* so many are in the middle of an operation */
byte kills = KILLS;
bool flushed;                     /* and not restored since */
bool restoring;
bool restoreKilled;
byte ended;                       /* so many runtimes */

inline changed() { unchanged[0] = false; unchanged[1] = false; unchanged[2] = false; unchanged[3] = false }
#define MAY_DIE if :: kills > 0 -> kills--; goto killed :: true fi
#define IS_UNCHANGED(me) (unchanged[me] || FAULT == GENERATION_IGNORED)
#define OWNED_BY(it) (owner == it || FAULT == OWNER_IGNORED)

/* `previous`, `seen`, `back` and `isDone` are the process's own. Each atomic is a step. */
inline release(me, it) {
  atomic { MAY_DIE;
    /* the record no longer counts as a live one */
    if
    :: live[it] -> live[it] = false; leaving[it] = true; displacedByLeaving[it] = displaced[it]; displaced[it] = NOBODY
    :: else
    fi;
    previous = (leaving[it] -> displacedByLeaving[it] : NOBODY);
    back = NOBODY; isDone = false
  }
  atomic { MAY_DIE;
    /* cheaply: the transaction is refused where the elements are another's */
    if :: previous == NOBODY && OWNED_BY(it) -> owner = NOBODY; isDone = true; changed() :: else fi
  }
  do
  :: isDone -> break
  :: else ->
     /* exactly: what is its own, or with one who got the address back and is gone */
     atomic { unchanged[me] = true; seen = owner }
     atomic {
       if :: previous != NOBODY -> isPreviousLive = live[previous] :: else isPreviousLive = false fi;
       back = (isPreviousLive && FAULT != NOT_GIVEN_BACK -> previous : NOBODY);
       if :: seen != it && (FAULT == DEAD_KEEP || seen == NOBODY || seen != previous || isPreviousLive) -> seen = NOBODY :: else fi
     }
     atomic { MAY_DIE;
       if
       :: IS_UNCHANGED(me) -> isDone = true; if :: seen != NOBODY -> owner = back; changed() :: else back = NOBODY fi
       :: else
       fi
     }
     /* of two that leave, the one that looks last sees what the other did */
     if
     :: isDone && back != NOBODY && FAULT != NO_SECOND_LOOK -> atomic { MAY_DIE; isDone = live[back] }
     :: else
     fi
  od;
  atomic { MAY_DIE; leaving[it] = false; forget(me) }
}

inline forget(me) { unchanged[me] = false; isPreviousLive = false; previous = NOBODY; seen = NOBODY; back = NOBODY; isDone = false }

inline writeRecord(it, whom) {
  if :: FAULT != RECORD_LAST -> live[it] = true; displaced[it] = whom; newest = it :: else fi
}

inline add(me, it) {
  if
  :: live[it] || (leaving[it] && FAULT != LEAVING_FORGOTTEN) -> release(me, it)
  :: else
  fi;
  do
  :: isDone -> break
  :: else ->
     seen = owner;
     if
     :: seen == NOBODY ->
        /* cheaply: the transaction is refused where there are elements by now */
        atomic { MAY_DIE; writeRecord(it, NOBODY) }
        atomic { MAY_DIE; if :: owner == NOBODY -> owner = it; isDone = true; changed() :: else fi }
     :: else
     fi;
     if
     :: isDone
     :: else ->
        atomic { unchanged[me] = true; seen = owner; previous = (seen == it -> NOBODY : seen) }
        atomic { MAY_DIE; writeRecord(it, previous) }
        atomic { MAY_DIE; if :: IS_UNCHANGED(me) -> owner = it; isDone = true; changed() :: else fi }
     fi
  od;
  atomic { MAY_DIE;
    if :: FAULT == RECORD_LAST -> live[it] = true; displaced[it] = previous; newest = it :: else fi;
    forget(me)
  }
}

/* What a container runtime does with one container: operations one after the other, DEL again until it succeeds. */
proctype runtime(byte c) {
  byte previous = NOBODY, seen = NOBODY, back = NOBODY, adds = ADDS;
  bool isDone, isPreviousLive;
  do
  :: adds > 0 && !gone[c] && !attached[c] && !unfinished[c] ->
     atomic { adds--; busy++ }
     add(c, c);
     d_step { attached[c] = true; busy-- }
  :: adds > 0 && !gone[c] && unfinished[c] ->   /* an ADD again after one that was killed */
     atomic { adds--; busy++ }
     add(c, c);
     d_step { attached[c] = true; unfinished[c] = false; busy-- }
  :: attached[c] || unfinished[c] ->
     d_step { attached[c] = false; busy++ }
     release(c, c);
     d_step { unfinished[c] = false; busy-- }
  :: attached[c] && adds == 0 ->                 /* the container goes before its DEL */
     d_step { gone[c] = true; attached[c] = false; unfinished[c] = true }
  :: !attached[c] && !unfinished[c] && (adds == 0 || gone[c]) -> break
  :: false ->
killed:
     skip;
     d_step { attached[c] = false; unfinished[c] = true; busy--; forget(c) }
  od;
  ended++
}

/* A DEL that comes late, or twice, or `bauta gc`: for a container that is gone. */
proctype sweeper() {
  byte previous = NOBODY, seen = NOBODY, back = NOBODY, c, runs = SWEEPS;
  bool isDone, isPreviousLive;
  do
  :: atomic { runs > 0 && gone[0] -> c = 0; runs--; busy++ } release(SWEEPER, c); busy--
  :: atomic { runs > 0 && gone[1] -> c = 1; runs--; busy++ } release(SWEEPER, c); busy--
  :: ended == ATTACHMENTS -> break
  :: false ->
killed:
     skip;
     d_step { busy--; forget(SWEEPER) }
  od
}

proctype restorer() {
  byte wanted = NOBODY, seen = NOBODY, runs = RESTORES;
  bool isDone, isLive0, isLive1, isInTheWay;
  do
  :: runs > 0 ->
     atomic { runs--; busy++; restoring = true }
again:
     isDone = false;
     do
     :: isDone -> break
     :: else ->
        atomic { isLive0 = live[0]; isLive1 = live[1] }  /* the names of the files */
        atomic {
          if
          :: isLive0 && isLive1 && displaced[0] == 1 -> wanted = 0
          :: isLive0 && isLive1 && displaced[0] != 1 -> wanted = (displaced[1] == 0 -> 1 : newest)
          :: isLive0 && !isLive1 -> wanted = 0
          :: !isLive0 && isLive1 -> wanted = 1
          :: else -> wanted = NOBODY
          fi
        }
        atomic {
          unchanged[RESTORER] = true;
          seen = owner;
          if :: wanted == NOBODY || seen == wanted -> wanted = NOBODY; isDone = true :: else fi
        }
        if
        :: isDone
        :: else ->
           /* the owner in the kernel, if that one still lives, is the latest */
           atomic {
             if
             :: seen != NOBODY -> if :: live[seen] -> wanted = NOBODY; isDone = true; isInTheWay = true :: else fi
             :: else
             fi
           }
           if
           :: isDone
           :: else -> atomic { MAY_DIE; if :: IS_UNCHANGED(RESTORER) -> owner = wanted; isDone = true; changed() :: else fi }
           fi
        fi
     od;
     if
     :: wanted != NOBODY && FAULT != RESTORED_UNSEEN ->
        atomic { MAY_DIE; if :: live[wanted] -> wanted = NOBODY :: else fi }
        if
        :: wanted == NOBODY
        :: else ->
           atomic { MAY_DIE; if :: owner == wanted -> owner = NOBODY; changed() :: else fi }
           if :: FAULT != RESTORED_ONCE -> goto again :: else fi
        fi
     :: else
     fi;
     d_step {
       /* who took the address while nobody had it has not displaced the other, and so does not give it back */
       if :: restoring && !(isLive0 && isLive1) && !isInTheWay -> flushed = false :: else fi;
       isInTheWay = false;
       restoring = false; busy--;
       wanted = NOBODY; seen = NOBODY; unchanged[RESTORER] = false; isLive0 = false; isLive1 = false; isDone = false
     }
  :: ended == ATTACHMENTS -> break
  :: false ->
killed:
     skip;
     d_step { restoreKilled = true; restoring = false; busy-- }
  od
}

proctype flusher() {
  if
  :: FLUSHES > 0 -> d_step { owner = NOBODY; flushed = true; restoring = false; changed() }
  :: skip
  fi
}

#define IS_CLEAN(it) (!attached[it] && !unfinished[it])

/* What holds whenever nobody is in the middle of an operation. */
proctype judge() {
end:
  do
  :: d_step {
       busy == 0 ->
       /* what a container is attached with is its own as soon as nobody else is there, and nobody's when nobody is */
       assert(!(attached[0] && IS_CLEAN(1) && !flushed && !restoreKilled) || owner == 0);
       assert(!(attached[1] && IS_CLEAN(0) && !flushed && !restoreKilled) || owner == 1);
       assert(!(attached[0] && attached[1] && !flushed && !restoreKilled) || owner != NOBODY);
       assert(!(IS_CLEAN(0) && IS_CLEAN(1) && !restoreKilled) || owner == NOBODY);
       /* a record for each that is attached, and for nobody who is gone */
       assert(!attached[0] || live[0]);
       assert(!attached[1] || live[1]);
       assert(!IS_CLEAN(0) || (!live[0] && !leaving[0]));
       assert(!IS_CLEAN(1) || (!live[1] && !leaving[1]));
     }
  :: timeout -> break
  od
}

init {
  atomic { run runtime(0); run runtime(1); run sweeper(); run restorer(); run flusher(); run judge() }
}
