/* One process asks and the other answers over a single pipe, of which both hold both ends. */

#define NONE 0
#define ANN 1
#define BEN 2

/* Whether who is as far as this has closed its read end, and its write end; the last to do so is told apart. */
#define R_CLOSED(at) (at >= 10)
#define W_CLOSED(at) (at == 13 || at == 14 || at == 16)

byte pipe; /* whose byte waits */
byte a, b, got;

active proctype ann()
{
    do
    :: d_step { a == 0 -> a = 1 }                       /* write */
    :: d_step { a == 1 -> pipe = ANN; a = 2 }
    :: d_step { a == 2 -> a = 3 }
    :: d_step { a == 3 -> a = 4 }                       /* read */
    :: d_step { a == 4 && pipe == NONE -> a = 5 }       /* finds nothing, and waits */
    :: d_step { a == 4 && pipe != NONE -> got = pipe; pipe = NONE; a = 6; assert(got != ANN) }
    :: d_step { a == 5 && pipe != NONE -> got = pipe; pipe = NONE; a = 7; assert(got != ANN) }
    :: d_step { a == 6 || a == 7 -> got = NONE; a = 8 } /* the return */
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
    :: d_step { b == 1 && pipe == NONE -> b = 2 } /* finds nothing, and waits */
    :: d_step { b == 1 && pipe != NONE -> assert(pipe != BEN); pipe = NONE; b = 3 }
    :: d_step { b == 2 && pipe != NONE -> assert(pipe != BEN); pipe = NONE; b = 4 }
    :: d_step { b == 3 || b == 4 -> b = 5 }       /* the return */
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
