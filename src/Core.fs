namespace CellOS.Export.S3.Core

open System

/// The push machine: what an upload is. No clock, no file, no network; time and chance come in as data.
///
/// Laws (each is a property in the tests):
/// - `step` is total, and gives exactly one output for each input;
/// - an ended push stays ended and repeats its output;
/// - waking early gives the same `Wait`, `AskUrl` or `TakeDigests` again;
/// - never more `Put`s than the policy's attempts, but for one that repeats an attempt without `Expect` after a 417; no
///   `Put` and no `Wait` beyond deadline or expiry;
/// - a URL that had expired, by the server's word, by its own or by its source's, is not sent again;
/// - where digests are bound, they are taken before a URL is asked for; for each attempt, the source of URLs is asked at
///   most as often as the policy has attempts, and what it asks to wait is waited within the policy;
/// - a digest header goes with every `Put` for which it was asked or signed, and with no other; its digest is taken once,
///   and a `Put` of other content is not a success;
/// - `Done` only if every digest that the response reports equals ours (an MD5 may go uncompared where another digest
///   confirms), and after a success that reported another one only if it is confirmed; a confirmation is never weaker than with all digests taken, except that a CRC-64/NVME may replace an MD5;
/// - no `Put` to a URL whose query fixes a digest of other content;
/// - a `Put` carries every header that was asked for, and no `x-amz-*` one that a SigV4 URL does not cover;
/// - a terminal verdict is followed by no `Put`; `Done` only after a 2xx that can come from a store, and that integrity
///   accepts;
/// - no `Put` to a presigned URL of another object than the destination, unless the target allows it;
/// - fixed waits add up to (attempts − 1) × backoff, unless the server lengthened one;
/// - no output holds a secret that can be seen without `RequestUrl.reveal`.
[<RequireQualifiedAccess>]
module Push =

    /// A push that has not begun. Its first input is `Started` or `NoSource`.
    [<CompiledName("Create")>]
    let create (plan: PushPlan) : State = State.fresh plan

    /// A push that has not begun, of a sink that has learnt something about hosts.
    [<CompiledName("CreateKnowing")>]
    let createKnowing (hosts: KnownHosts) (plan: PushPlan) : State = State.fresh plan |> State.knowing hosts

    /// What a push has learnt about hosts, for the pushes after it.
    [<CompiledName("Hosts")>]
    let hosts (state: State) : KnownHosts = state.History.Hosts

    /// What the caller should know about the receipt of a push that is done: one sentence for people.
    [<CompiledName("Warning")>]
    let warning (state: State) : string option = state.History.Warning

    /// Returns what the source of URLs is asked for: for the given attempt of a push whose output is `AskUrl`.
    [<CompiledName("UrlRequest")>]
    let urlRequest (state: State) (attempt: int) : UrlRequest =
        UrlRequest.create
            state.Plan
            attempt
            state.Began.Length
            (if state.Plan.Target.BindDigest then state.History.Digests else [])

    /// Returns the wait before the next attempt, for displays; `None` for a push that is not waiting.
    [<CompiledName("RetryWait")>]
    let retryWait (state: State) : RetryWait option =
        match state.Phase, state.History.Last with
        | Phase.Waiting(next, until), ValueSome heard ->
            Some {
                NextAttempt = next
                Until = until
                Reason = AttemptReport.inWords state heard.Words
            }
        | _ -> None

    /// The next state, in the given phase at the given time, and what the driver is to do.
    let private go (state: State) (now: DateTimeOffset) (phase: Phase) (output: Output) =
        struct ({ state with Now = now; Phase = phase }, output)

    let private finish (state: State) (now: DateTimeOffset) (output: Output) =
        go state now (Phase.Ended output) output

    let private fail (state: State) (now: DateTimeOffset) (kind: FailureKind) =
        finish state now (Output.Failed(PushResult.failure state now kind))

    /// Fails for a reason that is not an attempt's. The words are this library's own: only known secrets are masked in
    /// them, since a name such as 'x-amz-meta-token' may appear before any separator.
    let private failWith (state: State) (now: DateTimeOffset) (kind: FailureKind) (reason: string) =
        // Masked before it is cut to its length, so that no half of a secret stays.
        let fault = Fault.OfOwnWords(Secrets.mask (State.secrets state) reason)
        let state = State.after (Outcome.NotSent fault) state
        finish state now (Output.Failed(PushResult.failureOf (Some(Outcome.NotSent fault)) state now kind))

    let private takeDigests
        (state: State)
        (now: DateTimeOffset)
        (phase: Phase)
        (algorithms: DigestAlgorithm list)
        =
        go state now phase (Output.TakeDigests(algorithms, State.deadline state))

    /// The digests that go to the source of URLs and are still to be taken.
    let private toBind (state: State) =
        if state.Plan.Target.BindDigest then
            State.untaken UrlRequest.bound state
        else
            []

    /// Asks for a URL, unless the time forbids it, or digests of the file have to be taken first.
    let private ask (state: State) (now: DateTimeOffset) (attempt: int) =
        if State.isTooLate now state then
            fail state now FailureKind.DeadlineExceeded
        else
            match toBind state with
            | [] ->
                let state =
                    state
                    |> State.learn (fun history -> {
                        history with
                            Questions = history.Questions + 1
                    })

                go state now (Phase.Asking attempt) (Output.AskUrl(attempt, State.deadline state))
            | algorithms -> takeDigests state now (Phase.Digesting(attempt, algorithms)) algorithms

    let private holding (url: RequestUrl) (state: State) = { state with Url = ValueSome url }

    /// Makes the attempt, unless the URL or the time forbids it, or digests of the file have to be taken first.
    let private put (state: State) (now: DateTimeOffset) (attempt: int) (url: RequestUrl) =
        let put = PushRequest.create state now attempt url
        let state = holding url state

        if State.isTooLate now state then
            fail state now FailureKind.DeadlineExceeded
        elif PushRequest.isExpired now url then
            fail state now FailureKind.UrlExpired
        elif PushRequest.isPastGrant state now then
            failWith state now FailureKind.UrlExpired "the source of the URL says so"
        else
            match PushRequest.obstacle state put, PushRequest.neededFirst state url with
            | Some reason, _ -> failWith state now FailureKind.UrlUnusable reason
            | None, [] -> go { state with Attempts = attempt } now (Phase.Putting put) (Output.Put put)
            | None, algorithms -> takeDigests state now (Phase.Digesting(attempt, algorithms)) algorithms

    /// Begins the given attempt: with the URL in hand if it still serves, or with a fresh one if there is a
    /// source of them.
    let private start (state: State) (now: DateTimeOffset) (attempt: int) =
        match state.Plan.Url, state.Url with
        | UrlSource.Given url, _ -> put state now attempt url
        | UrlSource.Asked, ValueSome url when
            not (PushRequest.isExpired now url || PushRequest.isPastGrant state now)
            ->
            put state now attempt url
        | UrlSource.Asked, _ -> ask (State.withoutUrl state) now attempt

    /// Waits and tries again, or ends the push with the given kind if nothing is left to try.
    let private retry (state: State) (now: DateTimeOffset) (roll: float) (ifLast: FailureKind) =
        let policy = state.Plan.Target.Retry

        if state.Attempts >= policy.MaxAttempts then
            fail state now ifLast
        else
            let askedWait =
                match state.History.Last |> ValueOption.map _.Words with
                | ValueSome(Outcome.Replied reply) ->
                    Retry.asked
                        policy.MaxBackoff
                        now
                        (State.shown state reply.RetryAfter)
                        (State.shown state reply.AmzRetryAfter)
                | _ -> TimeSpan.Zero

            let wait = Retry.wait policy state.Attempts roll askedWait
            let until = Instant.plus wait now
            let next = state.Attempts + 1

            let pastExpiry =
                match state.Plan.Url with
                | UrlSource.Given url -> PushRequest.isExpired until url
                | UrlSource.Asked -> false

            if State.isTooLate until state then fail state now FailureKind.DeadlineExceeded
            elif pastExpiry then fail state now FailureKind.UrlExpired
            elif wait.Ticks = 0L then start state now next
            else go state now (Phase.Waiting(next, until)) (Output.Wait until)

    /// The bytes arrived damaged: once more, at most.
    let private retryOnce (state: State) (now: DateTimeOffset) (roll: float) (damage: Damage) =
        if state.History.Damage <> Damage.NotReported then
            fail state now FailureKind.IntegrityMismatch
        else
            let state = state |> State.learn (fun history -> { history with Damage = damage })

            retry state now roll FailureKind.IntegrityMismatch

    let private isTimeout (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> fault.Kind = FaultKind.RequestTimeout
        | Outcome.Replied _ -> false

    /// What follows from a success whose digests are compared.
    let private compare (state: State) (now: DateTimeOffset) (comparison: Comparison) =
        let put = comparison.Request
        let reply = comparison.Reply.Words
        let sent = comparison.Sent
        let checksums = ReportedDigest.ofChecksums reply

        let state =
            state
            |> State.knowing (
                KnownHosts.reporting put.Url now (Integrity.algorithmsOf checksums) state.History.Hosts
            )

        let terms = PushResult.terms state put reply

        let conclude (verdict: Verdict) =
            let state = State.after (Outcome.Replied reply) state

            match verdict with
            | Verdict.Retry ifLast -> retry state now comparison.Roll ifLast
            | Verdict.Stop kind -> fail state now kind
            | _ -> fail state now FailureKind.Internal

        match Integrity.verdictWith checksums terms reply sent, comparison.Otherwise with
        | (IntegrityVerdict.Confirmed Confirmation.Unverified | IntegrityVerdict.Missing), Some otherwise ->
            conclude otherwise
        | (IntegrityVerdict.Confirmed Confirmation.Unverified | IntegrityVerdict.Missing), None when
            state.History.Damage = Damage.Accepted
            ->
            // The server may hold the other bytes still.
            fail (State.after (Outcome.Replied reply) state) now FailureKind.IntegrityMismatch
        | IntegrityVerdict.Confirmed confirmed, _ ->
            let warned =
                match PushResult.warning state reply confirmed with
                | warning when warning = state.History.Warning -> state
                | warning -> state |> State.learn (fun history -> { history with Warning = warning })

            finish
                warned
                now
                (Output.Done(
                    PushResult.receipt
                        state
                        now
                        (Integrity.confirmedOf checksums terms reply sent)
                        reply
                        sent
                        confirmed
                ))
        | IntegrityVerdict.Mismatch _, _ ->
            retryOnce
                (State.after (Outcome.Replied { reply with Sent = Some sent }) state)
                now
                comparison.Roll
                Damage.Accepted
        | IntegrityVerdict.NotTaken _, _ when State.isTooLate now state ->
            fail (State.after (Outcome.Replied reply) state) now FailureKind.DeadlineExceeded
        | IntegrityVerdict.NotTaken algorithms, _ ->
            let algorithms = DigestAlgorithm.Sha256 :: algorithms

            takeDigests
                (State.after (Outcome.Replied reply) state)
                now
                (Phase.Comparing {
                    comparison with
                        Algorithms = algorithms
                })
                algorithms
        | IntegrityVerdict.Missing, _ ->
            fail (State.after (Outcome.Replied reply) state) now FailureKind.Unverified

    let private attempted (state: State) now (put: PutRequest) (roll: float) (outcome: Outcome) =
        let cutByDeadline () =
            isTimeout outcome
            && put.Timeout.Ticks < state.Plan.Target.Limits.RequestTimeout.Ticks

        let compareWhole reply sent otherwise =
            compare state now {
                Request = put
                Reply = Heard reply
                Sent = sent
                Roll = roll
                Otherwise = otherwise
                Algorithms = []
            }

        match
            PushResult.sourceChanged state outcome,
            Verdict.ofOutcome (PushResult.circumstances state now put) outcome
        with
        | Some reason, _ -> failWith (State.after outcome state) now FailureKind.SourceChanged reason
        | None, Verdict.Accepted(reply, sent) -> compareWhole reply sent None
        | None, Verdict.AcceptedIfConfirmed(reply, sent, otherwise) ->
            compareWhole reply sent (Some otherwise)
        | None, Verdict.Retry _ when cutByDeadline () ->
            fail (State.after outcome state) now FailureKind.DeadlineExceeded
        | None, Verdict.Retry ifLast -> retry (State.after outcome state) now roll ifLast
        | None, Verdict.RetryOnce -> retryOnce (State.after outcome state) now roll Damage.Refused
        | None, Verdict.FreshUrl ->
            let state = State.after outcome state

            match state.Plan.Url with
            | UrlSource.Asked when state.Attempts < state.Plan.Target.Retry.MaxAttempts ->
                ask (State.withoutUrl state) now (state.Attempts + 1)
            | _ -> fail state now FailureKind.UrlExpired
        | None, Verdict.WithoutExpect ->
            let state = State.after outcome state

            // The same attempt: it was answered before the body.
            let state =
                state
                |> State.learn (fun history -> {
                    history with
                        Hosts = KnownHosts.withoutExpect put.Url history.Hosts
                })

            start state now state.Attempts
        | None, Verdict.Stop kind -> fail (State.after outcome state) now kind

    /// In UTC: sums near either end of time have no other representation.
    let private timeOf (input: Input) =
        match input with
        | Input.Started(at, _)
        | Input.NoSource(at, _)
        | Input.UrlGiven(at, _)
        | Input.UrlGranted(at, _)
        | Input.UrlDelayed(at, _, _, _)
        | Input.NoUrl(at, _)
        | Input.DigestsTaken(at, _)
        | Input.Attempted(at, _, _)
        | Input.Woke at -> at.ToUniversalTime()

    let private failSource (state: State) (now: DateTimeOffset) (fault: Fault) =
        let outcome = Outcome.NotSent fault
        let state = State.after outcome state

        match Verdict.ofOutcome Circumstances.defaults outcome with
        | Verdict.Stop kind -> fail state now kind
        | Verdict.Retry FailureKind.LocalFault -> fail state now FailureKind.LocalFault
        | _ -> fail state now FailureKind.SourceUnreadable

    let private areAllOf (wanted: DigestAlgorithm list) (digests: Digest list) =
        List.sort wanted = (digests |> List.map _.Algorithm |> List.sort)

    /// Compares a success with the digests that it reports, once they were taken: of the content that was sent.
    let private compareWith
        (state: State)
        (now: DateTimeOffset)
        (comparison: Comparison)
        (digests: Digest list)
        =
        if List.contains comparison.Sent.Sha256 digests then
            compare state now {
                comparison with
                    Sent = comparison.Sent.With digests
            }
        else
            failWith
                state
                now
                FailureKind.SourceChanged
                "the file's content changed after it was sent, so that the digests in the response could not be compared"

    /// Makes the attempt with a URL that was asked for, and with the headers that came along.
    let private granted (state: State) (now: DateTimeOffset) (attempt: int) (grant: UrlGrant) =
        let state =
            state
            |> State.learn (fun history -> {
                history with
                    Questions = 0
                    // In UTC, as `timeOf`.
                    ValidUntil = grant.ExpiresAt |> Option.map _.ToUniversalTime() |> ValueOption.ofOption
            })

        if List.contains grant.Url state.History.Earlier then
            // A manifest that was not renewed: the server would respond as before.
            fail (holding grant.Url state) now FailureKind.UrlExpired
        else
            match GrantedHeaders.fit (PushPlan.ownHeaders state.Plan) state.Began.Length grant with
            | Ok fit ->
                let state = {
                    state with
                        Plan = {
                            state.Plan with
                                Granted = fit.Headers
                        }
                        History = {
                            state.History with
                                Expected = fit.Expected
                        }
                }

                put state now attempt grant.Url
            | Error refusals ->
                let reason = refusals |> List.map _.Message |> String.concat " "
                failWith (holding grant.Url state) now FailureKind.UrlUnusable (reason.TrimEnd '.')

    /// Waits and asks again, or ends the push if nothing is left to ask.
    let private delayed (state: State) now (attempt: int) (roll: float) (reason: string) (after: TimeSpan) =
        let policy = state.Plan.Target.Retry
        let masked = Redaction.withoutSecrets (State.secrets state) reason
        let questions = state.History.Questions

        let wait =
            Retry.wait
                policy
                questions
                roll
                (Instant.shorter policy.MaxBackoff (Instant.longer TimeSpan.Zero after))

        let until = Instant.plus wait now
        let wish = $"{masked}; the source of the URL asks to wait {TimeWords.span after}"

        // A wait that is cut to the longest of the policy, or that the deadline forbids: a push that ends then says so.
        let words =
            if after.Ticks > policy.MaxBackoff.Ticks then
                $"{wish}, and the longest wait is {TimeWords.span policy.MaxBackoff}"
            elif after.Ticks > 0L && State.isTooLate until state then
                wish
            else
                masked

        let fault = Fault.Create(FaultKind.NoUrl, words, 0L)
        let state = State.after (Outcome.NotSent fault) state

        if questions >= policy.MaxAttempts then
            fail state now FailureKind.Unavailable
        elif State.isTooLate until state then
            fail state now FailureKind.DeadlineExceeded
        elif wait.Ticks = 0L then
            ask state now attempt
        else
            go state now (Phase.Waiting(attempt, until)) (Output.Wait until)

    let private began (at: DateTimeOffset) (length: int64) (state: State) = {
        state with
            Began = { At = at; Length = length }
    }

    let private startWith (state: State) (now: DateTimeOffset) (length: int64) =
        let state = began now length state

        if length < 0L then
            failWith state now FailureKind.Internal $"the driver reported a length of {length} bytes"
        elif length > state.Plan.Target.MaxObjectBytes then
            fail state now FailureKind.SourceTooLarge
        else
            start state now 1

    /// What came does not fit the state.
    let private confused (state: State) (now: DateTimeOffset) =
        let state =
            match state.Phase with
            | Phase.Fresh -> began now 0L state
            | Phase.Putting _ -> state |> State.learn (fun history -> { history with MayBeStored = true })
            | _ -> state

        failWith state now FailureKind.Internal "the driver reported something that was not asked for"

    /// The next state and what the driver is to do. What follows what, which a test holds against the code:
    ///
    /// | After | Input | Output |
    /// | --- | --- | --- |
    /// | nothing | Started | Put, AskUrl, TakeDigests, Failed |
    /// | nothing | NoSource, NoUrl | Failed |
    /// | AskUrl | UrlGiven, UrlGranted | Put, TakeDigests, Failed |
    /// | AskUrl | UrlDelayed | AskUrl, Wait, Failed |
    /// | AskUrl | NoUrl | Failed |
    /// | AskUrl | Woke | AskUrl, Failed |
    /// | TakeDigests | DigestsTaken | Put, AskUrl, Failed |
    /// | TakeDigests | NoSource | Failed |
    /// | TakeDigests | Woke | TakeDigests, Failed |
    /// | Put | Attempted | Put, AskUrl, TakeDigests of a response, Wait, Done, Failed |
    /// | TakeDigests of a response | DigestsTaken | Put, AskUrl, Wait, Done, Failed |
    /// | TakeDigests of a response | NoSource | Failed |
    /// | TakeDigests of a response | Woke | TakeDigests of a response, Failed |
    /// | Wait | Woke | Put, AskUrl, Wait, Failed |
    /// | Done | any | Done |
    /// | Failed | any | Failed |
    /// | any | any other | Failed |
    ///
    /// Total: an input that does not fit the state is a bug of the
    /// driver and ends the push as `Failed` with `FailureKind.Internal`.
    [<CompiledName("Step")>]
    let step (state: State) (input: Input) : struct (State * Output) =
        let at = timeOf input
        let now = Instant.later state.Now at

        match state.Phase, input with
        | Phase.Ended output, _ -> struct (state, output)
        | Phase.Fresh, Input.Started(_, length) -> startWith state at length
        | Phase.Fresh, Input.NoSource(_, fault) -> failSource (began at 0L state) at fault
        | Phase.Fresh, Input.NoUrl(_, reason) ->
            failWith (began at 0L state) at FailureKind.UrlUnusable reason
        | Phase.Asking attempt, Input.UrlGiven(_, url) -> granted state now attempt (UrlGrant.ofUrl url)
        | Phase.Asking attempt, Input.UrlGranted(_, grant) -> granted state now attempt grant
        | Phase.Asking attempt, Input.UrlDelayed(_, roll, reason, after) ->
            delayed state now attempt roll reason after
        | Phase.Asking _, Input.NoUrl(_, reason) -> failWith state now FailureKind.UrlUnusable reason
        | Phase.Asking attempt, Input.Woke _ ->
            // The same question.
            ask
                (state
                 |> State.learn (fun history -> {
                     history with
                         Questions = history.Questions - 1
                 }))
                now
                attempt
        | (Phase.Digesting(_, wanted) | Phase.Comparing { Algorithms = wanted }),
          Input.DigestsTaken(_, digests) when not (areAllOf wanted digests) ->
            failWith
                state
                now
                FailureKind.Internal
                "the driver did not report the digests that were asked for"
        | Phase.Digesting(attempt, _), Input.DigestsTaken(_, digests) ->
            let state =
                state
                |> State.learn (fun history -> {
                    history with
                        Digests = history.Digests @ digests
                })

            start state now attempt
        | Phase.Comparing comparison, Input.DigestsTaken(_, digests) ->
            compareWith state now comparison digests
        | (Phase.Digesting _ | Phase.Comparing _), Input.NoSource(_, fault) -> failSource state now fault
        | (Phase.Digesting(_, algorithms) | Phase.Comparing { Algorithms = algorithms }), Input.Woke _ ->
            if State.isTooLate now state then
                fail state now FailureKind.DeadlineExceeded
            else
                takeDigests state now state.Phase algorithms
        | Phase.Putting request, Input.Attempted(_, roll, outcome) -> attempted state now request roll outcome
        | Phase.Waiting(_, until), Input.Woke _ when Instant.isBefore until at ->
            go state now state.Phase (Output.Wait until)
        | Phase.Waiting(next, _), Input.Woke _ -> start state now next
        | _ -> confused state now
