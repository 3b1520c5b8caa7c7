/* A process writes two bytes and exits; the other reads, sleeping while there is nothing, up to the end. */

byte pipe;        /* which of the two bytes wait, a bit each */
byte got, heard;  /* the reader's, the same way */
byte w, r;

#define W_CLOSED (w == 8 || w == 9 || w == 10)

active proctype writer()
{
    do
    :: d_step { w == 0 -> w = 1 }                   /* write */
    :: d_step { w == 1 -> pipe = pipe | 1; w = 2 }
    :: d_step { w == 2 -> w = 3 }                   /* the return */
    :: d_step { w == 3 -> w = 4 }                   /* write */
    :: d_step { w == 4 && pipe == 0 -> pipe = 2; w = 5 }
    :: d_step { w == 4 && pipe != 0 -> pipe = pipe | 2; w = 11 } /* on the page of the first */
    :: d_step { w == 5 || w == 11 -> w = 6 }
    :: d_step { w == 6 -> w = 7 }                   /* close */
    :: d_step { w == 7 && r < 9 -> w = 8 }
    :: d_step { w == 7 && r >= 9 -> w = 10 }        /* the last of all to close */
    :: d_step { w == 8 || w == 10 -> w = 9 } -> break
    od;
    end: false
}

active proctype reader()
{
    do
    :: d_step { r == 0 -> r = 1 }                            /* read */
    :: d_step { r == 1 && pipe != 0 -> got = pipe; pipe = 0; r = 3 }
    :: d_step { r == 1 && pipe == 0 && !W_CLOSED -> r = 2 }      /* finds nothing, and waits */
    :: d_step { r == 1 && pipe == 0 && W_CLOSED -> r = 5 }     /* no writer any more */
    :: d_step { r == 2 && pipe != 0 -> got = pipe; pipe = 0; r = 4 }
    :: d_step { r == 2 && pipe == 0 && W_CLOSED -> r = 6 }
    :: d_step { r == 3 || r == 4 -> assert((heard & got) == 0 && (heard | got) != 2);
                heard = heard | got; got = 0; r = 0 }        /* the return */
    :: d_step { r == 5 || r == 6 -> assert(heard == 3); r = 7 }
    :: d_step { r == 7 -> r = 8 }                            /* close */
    :: d_step { r == 8 && !W_CLOSED -> r = 9 }
    :: d_step { r == 8 && W_CLOSED -> r = 11 }                 /* the last of all to close */
    :: d_step { r == 9 || r == 11 -> r = 10 } -> break
    od;
    end: false
}

#ifdef LTL
ltl all_is_read { <> (heard == 3) }
#endif
