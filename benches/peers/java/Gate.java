/** Decides who gets a seat. */
interface Gate {
    /**
     * What a request is told. {@code rank} is 0 where there is no seat.
     */
    record Told(int status, String outcome, long rank) {
        static Told admitted(long rank) {
            return new Told(201, "admitted", rank);
        }

        /** The same seat again. */
        static Told held(long rank) {
            return new Told(200, "admitted", rank);
        }

        static Told soldOut() {
            return new Told(409, "sold_out", 0);
        }

        /** The lock was not to be had: ask again. */
        static Told busy() {
            return new Told(503, "pending", 0);
        }
    }

    /** Gives a seat, finds the one that the user has, or says that there is none. */
    Told enter(String activity, String user, long capacity) throws InterruptedException;

    /** Seats that are held. */
    long held(String activity);
}
