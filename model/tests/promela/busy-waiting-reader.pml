/* A process writes to a file; the other reads it again and again until there is something. */

byte file; /* bytes in it */
byte w, r; /* how far the writer and the reader are */

active proctype writer()
{
    do
    :: d_step { w == 0 -> w = 1 }                     /* write */
    :: d_step { w == 1 -> file = 1; w = 3 }           /* at its offset */
    :: d_step { w == 1 && r == 1 -> file = 1; w = 2 } /* seen half done by a read in progress */
    :: d_step { w == 2 -> w = 3 }
    :: d_step { w == 3 -> w = 4 }                     /* the return */
    :: d_step { w == 4 -> w = 5 }                     /* close */
    :: d_step { w == 5 -> w = 6 }
    :: d_step { w == 6 -> w = 7 } -> break
    od;
    end: false
}

active proctype reader()
{
    do
    :: d_step { r == 0 -> r = 1 }              /* read */
    :: d_step { r == 1 && file == 0 -> r = 2 } /* nothing yet */
    :: d_step { r == 1 && file == 1 -> r = 3 }
    :: d_step { r == 2 -> r = 0 }              /* returns 0: again */
    :: d_step { r == 3 -> r = 4 }              /* returns 1 */
    :: d_step { r == 4 -> r = 5 }              /* close */
    :: d_step { r == 5 -> r = 6 }
    :: d_step { r == 6 -> r = 7 } -> break
    od;
    end: false
}

#ifdef LTL
ltl gets_it { <> (r >= 4) }
#endif
