/**
 * The life of a connection after its opening handshake, as one table: from the first message to the end of the stream
 * (RFC 6455 §7.1). Each row says what may be sent and what becomes of what is received, what is to be done about the
 * stream, and where each step leads. The idea is that of h11, Nathaniel J. Smith's HTTP/1.1 for Python.
 *
 * The table does not know which role we play; {@linkcode Endpoint} takes one step for the server alone.
 *
 * @module
 */

/** Where a connection stands: see {@linkcode LIFE}. */
export type State =
  | "open"
  | "closeSent"
  | "closeReceived"
  | "violated"
  | "unanswered"
  | "closed"
  | "failed"
  | "halfClosed"
  | "finishing"
  | "ended"
  | "cut"
  | "lost"
  | "gone";

/** What can happen to a connection. What we or the peer do: */
export type Step =
  /** we send a Close */
  | "sendClose"
  /** a Close comes */
  | "receiveClose"
  /** the peer breaks a rule, while messages before that may be unread */
  | "violate"
  /** the connection is failed at once */
  | "fail"
  | Happening;

/** What merely happens; where a state has no such step, it changes nothing. */
export type Happening =
  /** what came before the peer's end has been read, and more is asked for */
  | "allRead"
  /** all that was to be sent is written */
  | "flushed"
  /** the peer ended its direction of the stream */
  | "peerEnded"
  /** the deadline is over */
  | "late"
  /** the connection is given up, with what is still to be sent or received */
  | "abort"
  /** the stream is gone in both directions */
  | "lost";

/** One state. */
export interface Life {
  /** Its name. */
  readonly state: State;
  /** Whether frames may be sent. */
  readonly sends: boolean;
  /** What of that which is received is decoded: all of it, only a Close, or nothing; the rest is thrown away. */
  readonly receives: "all" | "close" | "nothing";
  /** Whether it is known how the connection ended. */
  readonly over: boolean;
  /** What must happen within `closeTimeout`: that the peer's end is answered, or that the stream ends. */
  readonly deadline: "answer" | "end" | undefined;
  /** Whether our direction of the stream is to be ended. */
  readonly shutdown: boolean;
  /** Whether the stream is to be freed in both directions. */
  readonly destroy: boolean;
  /** Which step leads to which state; of those that the state has. */
  readonly steps: Readonly<Partial<Record<Step, State>>>;
}

type Row = Partial<Omit<Life, "state">> & Pick<Life, "steps">;

/** What may happen at any time, as long as there is a stream. */
const ANY_TIME = { abort: "cut", lost: "gone" } as const;

const ROWS: Readonly<Record<State, Row>> = {
  /** Messages go both ways. */
  open: {
    sends: true,
    receives: "all",
    steps: {
      sendClose: "closeSent",
      receiveClose: "closeReceived",
      violate: "violated",
      fail: "failed",
      peerEnded: "finishing",
      ...ANY_TIME,
      lost: "lost",
    },
  },
  /** Our Close is out. */
  closeSent: {
    receives: "close",
    deadline: "end",
    steps: { receiveClose: "closed", fail: "failed", peerEnded: "finishing", late: "cut", ...ANY_TIME },
  },
  /** Their Close is in, and waits until the messages before it are read. Until then we may send. */
  closeReceived: {
    sends: true,
    deadline: "answer",
    steps: {
      sendClose: "closed",
      allRead: "closed",
      late: "closed",
      fail: "failed",
      peerEnded: "unanswered",
      ...ANY_TIME,
    },
  },
  /** The peer broke a rule, which waits in the same way. */
  violated: {
    sends: true,
    deadline: "answer",
    steps: {
      sendClose: "failed",
      allRead: "failed",
      late: "failed",
      fail: "failed",
      peerEnded: "unanswered",
      ...ANY_TIME,
    },
  },
  /** As one of these two; the peer has ended its direction of the stream, too. */
  unanswered: {
    sends: true,
    deadline: "answer",
    steps: {
      sendClose: "finishing",
      allRead: "finishing",
      late: "finishing",
      fail: "finishing",
      ...ANY_TIME,
    },
  },
  /** Both Closes are exchanged. When ours is written, the server ends the stream; a client waits for it (§7.1.1). */
  closed: {
    over: true,
    deadline: "end",
    steps: { flushed: "halfClosed", peerEnded: "finishing", late: "cut", ...ANY_TIME },
  },
  /** The connection is failed, the peer told why if that was still possible. We end the stream in either role (§7.1.7). */
  failed: {
    over: true,
    deadline: "end",
    steps: { flushed: "halfClosed", peerEnded: "finishing", late: "cut", ...ANY_TIME },
  },
  /** We have ended our direction; what comes is read and thrown away, so that no reset overtakes our last frame. */
  halfClosed: {
    over: true,
    deadline: "end",
    shutdown: true,
    steps: { peerEnded: "ended", late: "cut", ...ANY_TIME },
  },
  /** The peer has ended its direction; what is left is written. */
  finishing: { over: true, deadline: "end", steps: { flushed: "ended", late: "cut", ...ANY_TIME } },
  /** Both directions are ended. */
  ended: { over: true, shutdown: true, destroy: true, steps: { lost: "gone" } },
  /** We have given the stream up. */
  cut: { over: true, destroy: true, steps: { lost: "gone" } },
  /** The stream is gone, and not all that came before is read. */
  lost: { over: true, receives: "all", steps: { allRead: "gone", fail: "gone" } },
  /** Nothing is left. */
  gone: { over: true, steps: {} },
};

/** The table. All rows have the same shape: engines read them faster. */
export const LIFE: Readonly<Record<State, Life>> = Object.fromEntries(
  Object.entries(ROWS).map(([state, row]) => {
    const { sends = false, receives = "nothing", over = false, deadline, steps } = row;
    const { shutdown = false, destroy = false } = row;
    return [state, { state, sends, receives, over, deadline, shutdown, destroy, steps }];
  }),
) as Record<State, Life>;

/**
 * Looks up where a step leads.
 *
 * @throws {Error} If the table has no such step: the caller, never the peer, is wrong.
 */
export function transition({ state, steps }: Life, step: Step): Life {
  const next = steps[step];
  if (next === undefined) throw new Error(`Cannot take step "${step}": the state is "${state}"`);
  return LIFE[next];
}
