/* Two readers of one thing, of which one reads only after a poll has told it that it can; its read waits.
 * The boss keeps its end until ann is done. */

byte fifo; /* bytes that wait */
byte b, a, r;

/* Reads that sleep are served in the order in which they began to, where that order is known: whether the place of each
 * is, and whether it is behind the other. */
bit a_placed, a_behind, r_placed, r_behind;

/* A call of the boss's, or of either reader's, is under way that may yet wake somebody. */
#define BOSS_ACTS (b == 1 || b == 2 || b == 4)
#define ANN_ACTS (a == 5 || a == 7 || a == 8 || a == 10)
#define RIVAL_ACTS (r == 1 || (r >= 3 && r <= 6) || r == 8)

active proctype boss()
{
    do
    :: d_step { b == 0 -> b = 1 }            /* write */
    :: d_step { b == 1 -> fifo = 1; b = 2 }
    :: d_step { b == 2 -> b = 3 }            /* the return */
    :: d_step { b == 3 && a == 12 -> b = 4 } /* ann has ended: close */
    :: d_step {
           b == 4 ->
           if
           :: r == 2 -> r_placed = 0; r_behind = 0
           :: else
           fi;
           b = 5
       }
    :: d_step { b == 5 -> b = 6 } -> break
    od;
    end: false
}

active proctype ann()
{
    do
    :: d_step { a == 0 -> a = 1 }                        /* poll */
    :: d_step { a == 1 && fifo == 0 -> a = 2 }
    :: d_step { a == 1 && fifo == 1 -> a = 3 }
    /* Beside a call that changes the pipe, what is in it is looked at first, and then who has it open. */
    :: d_step { a == 1 && fifo == 0 && (b == 1 || r == 1 || r == 2 || r == 8) -> a = 13 }
    :: d_step { a == 1 && fifo == 1 && (b == 1 || r == 1 || r == 2 || r == 8) -> a = 14 }
    :: d_step { a == 13 -> a = 15 }
    :: d_step { a == 14 -> a = 16 }
    :: d_step { a == 2 || a == 15 -> a = 9 }             /* nothing: goes on */
    :: d_step { a == 3 || a == 16 -> a = 4 }             /* there is something */
    :: d_step { a == 4 -> a = 5 }                        /* read */
    :: d_step {
           a == 5 && fifo == 1 -> /* a newcomer takes what the other may have been woken for */
           if
           :: r == 2 -> r_placed = 0; r_behind = 0
           :: else
           fi;
           fifo = 0; a = 7
       }
    :: d_step {
           a == 5 && fifo == 0 -> /* finds nothing, and waits */
           a_placed = (r <= 8) && !BOSS_ACTS && !RIVAL_ACTS;
           a_behind = r == 2 && r_placed;
           a = 6
       }
    :: d_step { a == 6 && fifo == 1 && !(a_behind && r == 2) -> fifo = 0; a = 8 }
    :: d_step { a == 7 || a == 8 -> a_placed = 0; a_behind = 0; r_behind = 0; a = 9 }
    :: d_step { a == 9 -> a = 10 }                       /* close */
    :: d_step { a == 10 -> a = 11 }
    :: d_step { a == 11 -> a = 12 } -> break
    od;
    end: false
}

active proctype rival()
{
    do
    :: d_step { r == 0 -> r = 1 }                        /* read */
    :: d_step {
           r == 1 && fifo == 1 ->
           if
           :: a == 6 -> a_placed = 0; a_behind = 0
           :: else
           fi;
           fifo = 0; r = 3
       }
    :: d_step {
           r == 1 && fifo == 0 && b < 5 -> /* finds nothing, and waits */
           r_placed = (a <= 10 || a > 12) && !BOSS_ACTS && !ANN_ACTS;
           r_behind = a == 6 && a_placed;
           r = 2
       }
    :: d_step { r == 1 && fifo == 0 && b >= 5 -> r = 5 } /* no writer any more */
    :: d_step { r == 2 && fifo == 1 && !(r_behind && a == 6) -> fifo = 0; r = 4 }
    :: d_step { r == 2 && fifo == 0 && b >= 5 -> r = 6 }
    :: d_step { r >= 3 && r <= 6 -> r_placed = 0; r_behind = 0; a_behind = 0; r = 7 } /* the return */
    :: d_step { r == 7 -> r = 8 }                        /* close */
    :: d_step { r == 8 -> r = 9 }
    :: d_step { r == 9 -> r = 10 } -> break
    od;
    end: false
}

#ifdef LTL
ltl goes_on { <> (a == 12) }
#endif
