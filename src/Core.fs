namespace CellOS.Export.S3.Core

open System

[<RequireQualifiedAccess>]
type internal Phase =
    | Fresh
    | Asking of attempt: int
    | TakingMd5 of attempt: int
    | Putting of request: PutRequest
    | Waiting of nextAttempt: int * until: DateTimeOffset
    | Ended of output: Output

/// What an attempt came to in the words of the server or the transport, which may echo what they were sent. It is
/// masked once it is shown: most attempts end in a receipt, of which it is no part.
[<Sealed>]
type internal Heard(outcome: Outcome) =
    member _.Outcome = outcome
    override _.ToString() = Redaction.Mask

/// A push between two inputs.
type State = internal {
    Plan: PushPlan
    Phase: Phase
    StartedAt: DateTimeOffset
    /// The latest time that was reported; it never goes back.
    Now: DateTimeOffset
    Length: int64
    /// How many PUTs were begun.
    Attempts: int
    /// What the last attempt came to.
    Last: Heard option
    /// The URL in use.
    Url: RequestUrl voption
    /// URLs that were in use before: their secrets stay secret.
    Earlier: RequestUrl list
    /// SHA-256 of the source, once an attempt has read it to its end.
    Sha256: string option
    /// MD5 of the source, 32 hexadecimal digits in lower case, once it was taken for a `Content-MD5`.
    Md5: string option
    /// Whether an attempt arrived damaged: that is tried again once.
    Damaged: bool
    MayBeStored: bool
}

/// The push machine: what an upload is. No clock, no file, no network; time and chance come in as data.
///
/// Laws (each is a property in the tests):
/// - `step` is total, and gives exactly one output for each input;
/// - an ended push stays ended and repeats its output;
/// - waking early gives the same `Wait`, `AskUrl` or `TakeMd5` again;
/// - never more `Put`s than the policy's attempts; no `Put` and no `Wait` beyond deadline or expiry;
/// - `Content-MD5` goes with every `Put` for which it was asked or signed, and with no other; its MD5 is taken once,
///   and what is sent with another is no success;
/// - a `Put` carries every header that was asked for, and no `x-amz-*` one that a SigV4 URL does not cover;
/// - a terminal verdict is followed by no `Put`; `Done` only after a 2xx that integrity accepts;
/// - fixed waits add up to (attempts − 1) × backoff, unless the server lengthened one;
/// - no output holds a secret that can be seen without `RequestUrl.reveal`.
[<RequireQualifiedAccess>]
module Push =

    /// A push that has not begun. Its first input is `Started` or `NoSource`.
    [<CompiledName("Create")>]
    let create (plan: PushPlan) : State = {
        Plan = plan
        Phase = Phase.Fresh
        StartedAt = DateTimeOffset.MinValue
        Now = DateTimeOffset.MinValue
        Length = 0L
        Attempts = 0
        Last = None
        Url = ValueNone
        Earlier = []
        Sha256 = None
        Md5 = None
        Damaged = false
        MayBeStored = false
    }

    let private deadline (state: State) =
        state.Plan.Target.Limits.Deadline
        |> Option.map (fun deadline -> Instant.plus deadline state.StartedAt)

    /// Whether the moment is at the deadline or past it.
    let private isTooLate (at: DateTimeOffset) (state: State) =
        match deadline state with
        | Some deadline -> not (Instant.isBefore deadline at)
        | None -> false

    let private isPastDeadline (state: State) = isTooLate state.Now state

    /// A template may put the names into the query, and a header may tell them: those are no secrets, and belong into
    /// every message.
    let private isName (plan: PushPlan) (secret: string) =
        match Uri.UnescapeDataString secret with
        | text when text = ArtifactName.value plan.Artifact -> true
        | text when text = CellId.value plan.Target.CellId -> true
        | text when text = Bucket.value plan.Target.Bucket -> true
        | text -> text = ObjectKey.value plan.Key

    /// The secrets of the push that could stand in a text of so many characters.
    let private secretsUpTo (most: int) (state: State) : string list =
        let current =
            match state.Plan.Url with
            | UrlSource.Given url -> RequestUrl.secretsUpTo most url
            | UrlSource.Asked ->
                match state.Url with
                | ValueSome url -> RequestUrl.secretsUpTo most url
                | ValueNone -> []

        let earlier =
            if state.Earlier.IsEmpty then
                []
            else
                state.Earlier |> List.collect (RequestUrl.secretsUpTo most)

        let ofHeaders =
            if state.Plan.Headers.IsEmpty then
                []
            else
                state.Plan.Headers
                |> List.filter RequestHeader.isSecret
                |> List.map RequestHeader.reveal

        match current @ earlier @ ofHeaders with
        | [] -> []
        | secrets -> secrets |> List.filter (isName state.Plan >> not)

    let private secrets (state: State) = secretsUpTo Int32.MaxValue state

    let private finish (state: State) (output: Output) =
        struct ({
                    state with
                        Phase = Phase.Ended output
                },
                output)

    /// Whether a request to the URL takes a `Content-MD5` along: where it was asked for, and where the signature
    /// covers it.
    let private wantsContentMd5 (state: State) (url: RequestUrl) =
        state.Plan.Target.ContentMd5 || SignedQuery.signs SignedQuery.ContentMd5 url.Query

    let private contentMd5 (state: State) (url: RequestUrl) =
        if wantsContentMd5 state url then
            state.Md5 |> Option.map Integrity.contentMd5
        else
            None

    /// What a server says, fit to be shown: masked first, and shortened then, so that no half of a secret stays.
    let private presentable (secrets: string list) (text: string) =
        Redaction.known secrets text |> Check.visible |> Check.shorten 512

    /// The same for a text that there may be. It holds few secrets: most are longer than what a server says.
    let private shown (state: State) (text: string option) =
        match text with
        | Some value -> Some(presentable (secretsUpTo value.Length state) value)
        | None -> None

    let private fail (state: State) (kind: FailureKind) =
        let secrets = secrets state

        FailureText.create kind {
            Plan = state.Plan
            Url =
                match state.Url with
                | ValueSome url -> Some(PresignedUrl.inspect url)
                | ValueNone -> None
            Length = state.Length
            ContentMd5 =
                match state.Url with
                | ValueSome url -> contentMd5 state url
                | ValueNone -> None
            Attempts = state.Attempts
            Elapsed = state.Now - state.StartedAt
            Last =
                state.Last
                |> Option.map (fun heard -> Outcome.mapTexts (presentable secrets) heard.Outcome)
            MayBeStored = state.MayBeStored
            Secrets = secrets
            Now = state.Now
        }
        |> Output.Failed
        |> finish state

    /// Fails for a reason that is not an attempt's.
    let private failWith (state: State) (kind: FailureKind) (reason: string) =
        // Masked before it is cut to its length, so that no half of a secret stays.
        let fault =
            Fault.Create(FaultKind.Network, Redaction.known (secrets state) reason, 0L)

        fail
            {
                state with
                    Last = Some(Heard(Outcome.NotSent fault))
            }
            kind

    let private finishWith (state: State) (reply: Reply) (sent: Sent) (confirmed: Confirmation) =
        finish
            state
            (Output.Done {
                TargetKind = Receipt.TargetKind
                TargetName = state.Plan.Target.Name |> Option.map TargetName.value
                Destination = Destination.value state.Plan.Destination
                BytesWritten = sent.Bytes
                CellId = CellId.value state.Plan.Target.CellId
                ArtifactName = ArtifactName.value state.Plan.Artifact
                Region = state.Plan.Target.Region
                ObjectUrl =
                    match state.Url with
                    | ValueSome url -> Some(RequestUrl.withoutQuery url)
                    | ValueNone -> None
                Sha256 = sent.Sha256
                Md5 = if sent.Md5.IsSome then sent.Md5 else state.Md5
                ETag = shown state reply.ETag
                VersionId = shown state reply.VersionId
                RequestId = shown state reply.RequestId
                Integrity = confirmed.Name
                Attempts = state.Attempts
                StartedAt = state.StartedAt
                CompletedAt = state.Now
            })

    /// Asks for a URL, unless the time forbids it.
    let private ask (state: State) (attempt: int) =
        if isPastDeadline state then
            fail state FailureKind.DeadlineExceeded
        else
            struct ({
                        state with
                            Phase = Phase.Asking attempt
                    },
                    Output.AskUrl(attempt, deadline state))

    let private request (state: State) (attempt: int) (url: RequestUrl) : PutRequest =
        let target = state.Plan.Target

        {
            Attempt = attempt
            Url = url
            Headers =
                match contentMd5 state url with
                | Some md5 -> RequestHeader.trust "Content-MD5" md5 :: PushPlan.headers state.Plan
                | None -> PushPlan.headers state.Plan
            Length = state.Length
            // Never without a body: there would be nothing to wait with (RFC 9110, 10.1.1).
            ExpectContinue =
                state.Length > 0L
                && target.ExpectContinueFrom |> Option.exists (fun from -> state.Length >= from)
            // Once it is known it is compared, whatever else is not: a receipt is of the bytes that were sent.
            TakeMd5 = not target.Integrity.IsOff || state.Md5.IsSome
            ConnectTimeout = target.Limits.ConnectTimeout
            Timeout =
                match deadline state with
                | Some deadline -> Instant.shorter target.Limits.RequestTimeout (deadline - state.Now)
                | None -> target.Limits.RequestTimeout
            StallTimeout = target.Limits.StallTimeout
        }

    let private takeMd5 (state: State) (attempt: int) =
        struct ({
                    state with
                        Phase = Phase.TakingMd5 attempt
                },
                Output.TakeMd5(deadline state))

    /// Whether no request with this URL may begin at the given moment.
    let private isExpired (at: DateTimeOffset) (url: RequestUrl) =
        match url.Query.UsableUntil with
        | ValueSome until -> Instant.isBefore at until
        | ValueNone -> false

    /// Makes the attempt, unless the URL or the time forbids it, or the file's MD5 has to be taken first.
    let private put (state: State) (attempt: int) (url: RequestUrl) =
        let put = request state attempt url
        let inHand () = { state with Url = ValueSome url }

        if isPastDeadline state then
            fail (inHand ()) FailureKind.DeadlineExceeded
        elif isExpired state.Now url then
            fail (inHand ()) FailureKind.UrlExpired
        else
            match HeaderCoverage.problems url put.Headers, HeaderCoverage.missing url put.Headers with
            | [], [] when wantsContentMd5 state url && state.Md5.IsNone -> takeMd5 (inHand ()) attempt
            | [], [] ->
                struct ({
                            state with
                                Url = ValueSome url
                                Phase = Phase.Putting put
                                Attempts = attempt
                        },
                        Output.Put put)
            | [], names ->
                let remedy = HeaderCoverage.remedy state.Plan.Target.Name names

                failWith
                    (inHand ())
                    FailureKind.UrlUnusable
                    $"the signature covers a header that is not supplied ({RequestHeader.shownNames names}), so the server would refuse the request; {remedy}"
            | unfit, _ ->
                let reasons = unfit |> List.map _.Message |> String.concat " "
                failWith (inHand ()) FailureKind.UrlUnusable (reasons.TrimEnd '.')

    let private askAnew (state: State) (attempt: int) =
        let state =
            match state.Url with
            | ValueSome url -> {
                state with
                    Url = ValueNone
                    Earlier = url :: state.Earlier
              }
            | ValueNone -> state

        ask state attempt

    /// Begins the given attempt: with the URL in hand if it still serves, or with a fresh one if there is a
    /// source of them.
    let private start (state: State) (attempt: int) =
        match state.Plan.Url, state.Url with
        | UrlSource.Given url, _ -> put state attempt url
        | UrlSource.Asked, ValueSome url when not (isExpired state.Now url) -> put state attempt url
        | UrlSource.Asked, _ -> askAnew state attempt

    /// Waits and tries again, or ends the push with the given kind if nothing is left to try.
    let private retry (state: State) (roll: float) (ifLast: FailureKind) =
        let policy = state.Plan.Target.Retry

        if state.Attempts >= policy.MaxAttempts then
            fail state ifLast
        else
            let asked =
                match state.Last |> Option.map _.Outcome with
                | Some(Outcome.Replied reply) ->
                    Retry.asked
                        policy.MaxBackoff
                        state.Now
                        (shown state reply.RetryAfter)
                        (shown state reply.AmzRetryAfter)
                | _ -> TimeSpan.Zero

            let wait = Retry.wait policy state.Attempts roll asked
            let until = Instant.plus wait state.Now
            let next = state.Attempts + 1

            let pastExpiry =
                match state.Plan.Url, state.Url with
                | UrlSource.Given _, ValueSome url -> isExpired until url
                | _ -> false

            if isTooLate until state then
                fail state FailureKind.DeadlineExceeded
            elif pastExpiry then
                fail state FailureKind.UrlExpired
            elif wait.Ticks = 0L then
                start state next
            else
                struct ({
                            state with
                                Phase = Phase.Waiting(next, until)
                        },
                        Output.Wait until)

    /// The bytes arrived damaged: once more, at most.
    let private retryOnce (state: State) (roll: float) =
        if state.Damaged then
            fail state FailureKind.IntegrityMismatch
        else
            retry { state with Damaged = true } roll FailureKind.IntegrityMismatch

    /// What was sent is not what was announced, or not what an earlier attempt sent.
    let private sourceChanged (state: State) (outcome: Outcome) =
        match Outcome.sent outcome with
        | Some sent ->
            if sent.Bytes <> state.Length then
                Some $"the file had {state.Length} bytes when it was opened, and {sent.Bytes} were sent"
            elif state.Sha256 |> Option.exists (fun known -> known <> sent.Sha256) then
                Some "the file's content changed between two attempts"
            else
                match state.Md5, sent.Md5 with
                | Some known, Some md5 when known <> md5 ->
                    Some "the file's content changed after its MD5 had been taken"
                | _ -> None
        | None -> None

    let private isTimeout (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> fault.Kind = FaultKind.RequestTimeout
        | Outcome.Replied _ -> false

    /// The state after an attempt that has not ended the push with a receipt.
    let private heard (state: State) (outcome: Outcome) = {
        state with
            Last = Some(Heard outcome)
            MayBeStored = state.MayBeStored || Verdict.mayHaveStored outcome
            Sha256 =
                match Outcome.sent outcome with
                | Some sent -> Some sent.Sha256
                | None -> state.Sha256
    }

    let private attempted (state: State) (put: PutRequest) (roll: float) (outcome: Outcome) =
        let cutByDeadline () =
            isTimeout outcome
            && put.Timeout.Ticks < state.Plan.Target.Limits.RequestTimeout.Ticks

        match sourceChanged state outcome, Verdict.ofOutcome state.Plan.Target.WriteOnce outcome with
        | Some reason, _ -> failWith (heard state outcome) FailureKind.SourceChanged reason
        | None, Verdict.Accepted(reply, sent) ->
            let hasContentMd5 = state.Md5.IsSome && wantsContentMd5 state put.Url

            match Integrity.verdict state.Plan.Target.Integrity hasContentMd5 reply sent with
            | IntegrityVerdict.Confirmed confirmed -> finishWith state reply sent confirmed
            | IntegrityVerdict.Mismatch _ -> retryOnce (heard state outcome) roll
            | IntegrityVerdict.Missing -> fail (heard state outcome) FailureKind.Unverified
        | None, Verdict.Retry _ when cutByDeadline () ->
            fail (heard state outcome) FailureKind.DeadlineExceeded
        | None, Verdict.Retry ifLast -> retry (heard state outcome) roll ifLast
        | None, Verdict.RetryOnce -> retryOnce (heard state outcome) roll
        | None, Verdict.FreshUrl ->
            match state.Plan.Url with
            | UrlSource.Asked when state.Attempts < state.Plan.Target.Retry.MaxAttempts ->
                askAnew (heard state outcome) (state.Attempts + 1)
            | _ -> fail (heard state outcome) FailureKind.UrlExpired
        | None, Verdict.Stop kind -> fail (heard state outcome) kind

    /// In UTC: sums near either end of time have no other representation.
    let private timeOf (input: Input) =
        match input with
        | Input.Started(at, _)
        | Input.NoSource(at, _)
        | Input.UrlGiven(at, _)
        | Input.NoUrl(at, _)
        | Input.Md5Taken(at, _)
        | Input.Attempted(at, _, _)
        | Input.Woke at -> at.ToUniversalTime()

    let private failSource (state: State) (fault: Fault) =
        let state = heard state (Outcome.NotSent fault)

        match Verdict.ofOutcome false (Outcome.NotSent fault) with
        | Verdict.Stop kind -> fail state kind
        | _ -> fail state FailureKind.SourceUnreadable

    /// The next state and what the driver is to do. Total: an input that does not fit the state is a bug of the
    /// driver and ends the push as `Failed` with `FailureKind.Internal`.
    [<CompiledName("Step")>]
    let step (state: State) (input: Input) : struct (State * Output) =
        let at = timeOf input
        let now = Instant.later state.Now at

        match state.Phase, input with
        | Phase.Ended output, _ -> struct (state, output)
        | Phase.Fresh, Input.Started(_, length) ->
            let state = {
                state with
                    StartedAt = at
                    Now = at
                    Length = length
            }

            if length < 0L then
                failWith state FailureKind.Internal $"the driver reported a length of {length} bytes"
            elif length > state.Plan.Target.MaxObjectBytes then
                fail state FailureKind.SourceTooLarge
            else
                start state 1
        | Phase.Fresh, Input.NoSource(_, fault) -> failSource { state with StartedAt = at; Now = at } fault
        | Phase.Asking attempt, Input.UrlGiven(_, url) ->
            put { state with Now = now } attempt url
        | Phase.Fresh, Input.NoUrl(at, reason) ->
            failWith { state with StartedAt = at; Now = at } FailureKind.UrlUnusable reason
        | Phase.Asking _, Input.NoUrl(_, reason) ->
            failWith { state with Now = now } FailureKind.UrlUnusable reason
        | Phase.Asking attempt, Input.Woke _ -> ask { state with Now = now } attempt
        | Phase.TakingMd5 attempt, Input.Md5Taken(_, md5) when Integrity.isMd5 md5 ->
            let state = {
                state with
                    Now = now
                    Md5 = Some(md5.ToLowerInvariant())
            }

            start state attempt
        | Phase.TakingMd5 _, Input.Md5Taken(_, md5) ->
            failWith
                { state with Now = now }
                FailureKind.Internal
                $"the driver reported {Check.quote md5} as an MD5"
        | Phase.TakingMd5 _, Input.NoSource(_, fault) -> failSource { state with Now = now } fault
        | Phase.TakingMd5 attempt, Input.Woke _ ->
            let state = { state with Now = now }

            if isPastDeadline state then
                fail state FailureKind.DeadlineExceeded
            else
                takeMd5 state attempt
        | Phase.Putting request, Input.Attempted(_, roll, outcome) ->
            attempted { state with Now = now } request roll outcome
        | Phase.Waiting(_, until), Input.Woke _ when Instant.isBefore until at ->
            struct ({ state with Now = now }, Output.Wait until)
        | Phase.Waiting(next, _), Input.Woke _ -> start { state with Now = now } next
        | _ ->
            let state =
                match state.Phase with
                | Phase.Fresh -> {
                    state with
                        StartedAt = now
                        Now = now
                  }
                | Phase.Putting _ -> {
                    state with
                        Now = now
                        MayBeStored = true
                  }
                | _ -> { state with Now = now }

            failWith state FailureKind.Internal "the driver reported something that was not asked for"
