/* One process asks and the other answers over a single pipe, of which both hold both ends. */

#define NONE 0
#define ANN 1
#define BEN 2

/* Whether who is as far as this has closed its read end, and its write end; the last to do so is told apart. */
#define R_CLOSED(at) (at >= 10)
#define W_CLOSED(at) (at == 13 || at == 14 || at == 16)

byte pipe; /* whose byte waits */
byte a, b, got;

/* Reads that sleep are served in the order in which they began to, where that order is known: whether the place of each
 * is, and whether it is behind the other. */
bit a_placed, a_behind, b_placed, b_behind;

/* A call is under way that may yet wake somebody. */
#define ANN_ACTS (a == 1 || a == 2 || a == 4 || a == 6 || a == 7 || a == 9 || a == 10 || a == 12 || a == 13)
#define BEN_ACTS (b == 1 || b == 3 || b == 4 || b == 6 || b == 7 || b == 9 || b == 10 || b == 12 || b == 13)

active proctype ann()
{
    do
    :: d_step { a == 0 -> a = 1 }                       /* write */
    :: d_step { a == 1 -> pipe = ANN; a = 2 }
    :: d_step { a == 2 -> a = 3 }
    :: d_step { a == 3 -> a = 4 }                       /* read */
    :: d_step {
           a == 4 && pipe == NONE -> /* finds nothing, and waits */
           a_placed = !R_CLOSED(b) && !BEN_ACTS;
           a_behind = b == 2 && b_placed;
           a = 5
       }
    :: d_step {
           a == 4 && pipe != NONE -> /* a newcomer takes what the other may have been woken for */
           if
           :: b == 2 -> b_placed = 0; b_behind = 0
           :: else
           fi;
           got = pipe; pipe = NONE; a = 6; assert(got != ANN)
       }
    :: d_step {
           a == 5 && pipe != NONE && !(a_behind && b == 2) ->
           got = pipe; pipe = NONE; a = 7; assert(got != ANN)
       }
    :: d_step {
           a == 6 || a == 7 -> /* the return */
           a_placed = 0; a_behind = 0; b_behind = 0;
           got = NONE; a = 8
       }
    :: d_step { a == 8 -> a = 9 }                       /* close of the read end, and of the write end */
    :: d_step { a == 9 && !R_CLOSED(b) -> a = 10 }
    :: d_step { a == 9 && R_CLOSED(b) -> a = 15 }
    :: d_step { a == 10 || a == 15 -> a = 11 }
    :: d_step { a == 11 -> a = 12 }
    :: d_step { a == 12 && !W_CLOSED(b) -> a = 13 }
    :: d_step { a == 12 && W_CLOSED(b) -> a = 16 }
    :: d_step { a == 13 || a == 16 -> a = 14 } -> break
    od;
    end: false
}

active proctype ben()
{
    do
    :: d_step { b == 0 -> b = 1 }                 /* read */
    :: d_step {
           b == 1 && pipe == NONE -> /* finds nothing, and waits */
           b_placed = !R_CLOSED(a) && !ANN_ACTS;
           b_behind = a == 5 && a_placed;
           b = 2
       }
    :: d_step {
           b == 1 && pipe != NONE ->
           if
           :: a == 5 -> a_placed = 0; a_behind = 0
           :: else
           fi;
           assert(pipe != BEN); pipe = NONE; b = 3
       }
    :: d_step {
           b == 2 && pipe != NONE && !(b_behind && a == 5) ->
           assert(pipe != BEN); pipe = NONE; b = 4
       }
    :: d_step {
           b == 3 || b == 4 -> /* the return */
           b_placed = 0; b_behind = 0; a_behind = 0;
           b = 5
       }
    :: d_step { b == 5 -> b = 6 }                 /* write */
    :: d_step { b == 6 -> pipe = BEN; b = 7 }
    :: d_step { b == 7 -> b = 8 }
    :: d_step { b == 8 -> b = 9 }                 /* close of the read end, and of the write end */
    :: d_step { b == 9 && !R_CLOSED(a) -> b = 10 }
    :: d_step { b == 9 && R_CLOSED(a) -> b = 15 }
    :: d_step { b == 10 || b == 15 -> b = 11 }
    :: d_step { b == 11 -> b = 12 }
    :: d_step { b == 12 && !W_CLOSED(a) -> b = 13 }
    :: d_step { b == 12 && W_CLOSED(a) -> b = 16 }
    :: d_step { b == 13 || b == 16 -> b = 14 } -> break
    od;
    end: false
}
