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
    /// What the last attempt came to, without the secrets that a server may have echoed.
    Last: Outcome option
    /// The URL in use and what it says of itself.
    Url: (RequestUrl * PresignedUrl) option
    /// All URLs that were in use: their secrets stay secret.
    Used: RequestUrl list
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
        Url = None
        Used = []
        Sha256 = None
        Md5 = None
        Damaged = false
        MayBeStored = false
    }

    let private plus (span: TimeSpan) (at: DateTimeOffset) =
        if span <= TimeSpan.Zero then at
        elif at > DateTimeOffset.MaxValue - span then DateTimeOffset.MaxValue
        else at + span

    let private deadline (state: State) =
        state.Plan.Target.Limits.Deadline
        |> Option.map (fun deadline -> plus deadline state.StartedAt)

    let private isPastDeadline (state: State) =
        deadline state |> Option.exists (fun deadline -> state.Now >= deadline)

    let private secrets (state: State) =
        let given =
            match state.Plan.Url with
            | UrlSource.Given url -> [ url ]
            | UrlSource.Asked -> []

        // A template may put the names into the query, and a header may tell them: those are no secrets, and belong
        // into every message.
        let names = [
            ArtifactName.value state.Plan.Artifact
            CellId.value state.Plan.Target.CellId
            Bucket.value state.Plan.Target.Bucket
            ObjectKey.value state.Plan.Key
        ]

        let ofUrls =
            state.Used @ given
            |> List.distinct
            |> List.collect (RequestUrl.reveal >> Redaction.secretsOf)

        let ofHeaders =
            state.Plan.Headers
            |> List.filter RequestHeader.isSecret
            |> List.map RequestHeader.reveal

        ofUrls @ ofHeaders
        |> List.filter (fun secret -> not (List.contains (Uri.UnescapeDataString secret) names))

    let private finish (state: State) (output: Output) =
        struct ({
                    state with
                        Phase = Phase.Ended output
                },
                output)

    /// The `Content-MD5` that goes with a request to the URL in use: where it was asked for, and where the
    /// signature covers it.
    let private wantsContentMd5 (state: State) =
        state.Plan.Target.ContentMd5
        || state.Url |> Option.exists (snd >> PresignedUrl.signs PresignedUrl.ContentMd5)

    let private contentMd5 (state: State) =
        if wantsContentMd5 state then
            state.Md5 |> Option.map Integrity.contentMd5
        else
            None

    let private fail (state: State) (kind: FailureKind) =
        FailureText.create kind {
            Plan = state.Plan
            Url = state.Url |> Option.map snd
            Length = state.Length
            ContentMd5 = contentMd5 state
            Attempts = state.Attempts
            Elapsed = state.Now - state.StartedAt
            Last = state.Last
            MayBeStored = state.MayBeStored
            Secrets = secrets state
            Now = state.Now
        }
        |> Output.Failed
        |> finish state

    /// What a server says, fit to be shown: masked first, and shortened then, so that no half of a secret stays.
    let private presentable (state: State) =
        Redaction.known (secrets state) >> Check.visible >> Check.shorten 512

    let private remember (state: State) (outcome: Outcome) = {
        state with
            Last = Some(Outcome.mapTexts (presentable state) outcome)
    }

    /// Fails for a reason that is not an attempt's.
    let private failWith (state: State) (kind: FailureKind) (reason: string) =
        // Masked before it is cut to its length, so that no half of a secret stays.
        let fault =
            Fault.Create(FaultKind.Network, Redaction.known (secrets state) reason, 0L)

        fail (remember state (Outcome.NotSent fault)) kind

    let private finishWith (state: State) (reply: Reply) (sent: Sent) (confirmed: Confirmation) =
        let shown = presentable state

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
                ObjectUrl = state.Url |> Option.map (fst >> RequestUrl.withoutQuery)
                Sha256 = sent.Sha256
                Md5 = sent.Md5 |> Option.orElse state.Md5
                ETag = reply.ETag |> Option.map shown
                VersionId = reply.VersionId |> Option.map shown
                RequestId = reply.RequestId |> Option.map shown
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
            Headers = [
                match contentMd5 state with
                | Some md5 -> RequestHeader.trust "Content-MD5" md5
                | None -> ()

                yield! PushPlan.headers state.Plan
            ]
            Length = state.Length
            // Never without a body: there would be nothing to wait with (RFC 9110, 10.1.1).
            ExpectContinue =
                state.Length > 0L
                && target.ExpectContinueFrom |> Option.exists (fun from -> state.Length >= from)
            // Once it is known it is compared, whatever else is not: a receipt is of the bytes that were sent.
            TakeMd5 = target.Integrity <> IntegrityMode.Off || state.Md5.IsSome
            ConnectTimeout = target.Limits.ConnectTimeout
            Timeout =
                match deadline state with
                | Some deadline -> min target.Limits.RequestTimeout (deadline - state.Now)
                | None -> target.Limits.RequestTimeout
            StallTimeout = target.Limits.StallTimeout
        }

    /// Headers that a request brings along: what a signature may cover without anybody's doing.
    let private supplied (put: PutRequest) =
        "host"
        :: "content-length"
        :: PresignedUrl.ContentMd5
        :: [ for header in put.Headers -> RequestHeader.key header ]

    let private takeMd5 (state: State) (attempt: int) =
        struct ({
                    state with
                        Phase = Phase.TakingMd5 attempt
                },
                Output.TakeMd5(deadline state))

    /// Makes the attempt, unless the URL or the time forbids it, or the file's MD5 has to be taken first.
    let private put (state: State) (attempt: int) (url: RequestUrl, inspected: PresignedUrl) =
        let state = {
            state with
                Url = Some(url, inspected)
                Used = url :: List.except [ url ] state.Used
        }

        let put = request state attempt url

        let unfit = HeaderCoverage.problems url inspected put.Headers

        match PresignedUrl.missingHeaders (supplied put) inspected with
        | _ when isPastDeadline state -> fail state FailureKind.DeadlineExceeded
        | _ when
            PresignedUrl.usableUntil inspected
            |> Option.exists (fun until -> state.Now > until)
            ->
            fail state FailureKind.UrlExpired
        | _ when not unfit.IsEmpty ->
            let reasons = unfit |> List.map _.Message |> String.concat " "
            failWith state FailureKind.UrlUnusable (reasons.TrimEnd '.')
        | [] when wantsContentMd5 state && state.Md5.IsNone -> takeMd5 state attempt
        | [] ->
            struct ({
                        state with
                            Phase = Phase.Putting put
                            Attempts = attempt
                    },
                    Output.Put put)
        | names ->
            let remedy = HeaderCoverage.remedy state.Plan.Target.Name names

            failWith
                state
                FailureKind.UrlUnusable
                $"the signature covers a header that is not supplied ({RequestHeader.shownNames names}), so the server would refuse the request; {remedy}"

    /// Begins the given attempt: with the URL in hand if it still serves, or with a fresh one if there is a
    /// source of them.
    let private start (state: State) (attempt: int) =
        match state.Plan.Url, state.Url with
        | UrlSource.Given _, Some inHand -> put state attempt inHand
        | UrlSource.Given url, None -> put state attempt (url, PresignedUrl.inspect url)
        | UrlSource.Asked, Some(_, inspected as inHand) when
            PresignedUrl.usableUntil inspected
            |> Option.forall (fun until -> state.Now <= until)
            ->
            put state attempt inHand
        | UrlSource.Asked, _ -> ask { state with Url = None } attempt

    /// Waits and tries again, or ends the push with the given kind if nothing is left to try.
    let private retry (state: State) (roll: float) (ifLast: FailureKind) =
        let policy = state.Plan.Target.Retry

        if state.Attempts >= policy.MaxAttempts then
            fail state ifLast
        else
            let asked =
                match state.Last with
                | Some(Outcome.Replied reply) ->
                    Retry.asked policy.MaxBackoff state.Now reply.RetryAfter reply.AmzRetryAfter
                | _ -> TimeSpan.Zero

            let wait = Retry.wait policy state.Attempts roll asked
            let until = plus wait state.Now
            let next = state.Attempts + 1

            let pastExpiry =
                match state.Plan.Url, state.Url with
                | UrlSource.Given _, Some(_, inspected) ->
                    PresignedUrl.usableUntil inspected |> Option.exists (fun last -> until > last)
                | _ -> false

            if deadline state |> Option.exists (fun deadline -> until >= deadline) then
                fail state FailureKind.DeadlineExceeded
            elif pastExpiry then
                fail state FailureKind.UrlExpired
            elif wait = TimeSpan.Zero then
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
            elif Option.map2 (<>) state.Md5 sent.Md5 = Some true then
                Some "the file's content changed after its MD5 had been taken"
            else
                None
        | None -> None

    let private isTimeout (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> fault.Kind = FaultKind.RequestTimeout
        | Outcome.Replied _ -> false

    let private attempted (state: State) (put: PutRequest) (roll: float) (outcome: Outcome) =
        let changed = sourceChanged state outcome

        let state = {
            remember state outcome with
                MayBeStored = state.MayBeStored || Verdict.mayHaveStored outcome
                Sha256 = Outcome.sent outcome |> Option.map _.Sha256 |> Option.orElse state.Sha256
        }

        let cutByDeadline =
            isTimeout outcome && put.Timeout < state.Plan.Target.Limits.RequestTimeout

        match changed, Verdict.ofOutcome state.Plan.Target.WriteOnce outcome with
        | Some reason, _ -> failWith state FailureKind.SourceChanged reason
        | None, Verdict.Accepted(reply, sent) ->
            match Integrity.verdict state.Plan.Target.Integrity (contentMd5 state).IsSome reply sent with
            | IntegrityVerdict.Confirmed confirmed -> finishWith state reply sent confirmed
            | IntegrityVerdict.Mismatch _ -> retryOnce state roll
            | IntegrityVerdict.Missing -> fail state FailureKind.Unverified
        | None, Verdict.Retry _ when cutByDeadline -> fail state FailureKind.DeadlineExceeded
        | None, Verdict.Retry ifLast -> retry state roll ifLast
        | None, Verdict.RetryOnce -> retryOnce state roll
        | None, Verdict.FreshUrl ->
            match state.Plan.Url with
            | UrlSource.Asked when state.Attempts < state.Plan.Target.Retry.MaxAttempts ->
                ask { state with Url = None } (state.Attempts + 1)
            | _ -> fail state FailureKind.UrlExpired
        | None, Verdict.Stop kind -> fail state kind

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
        let state = remember state (Outcome.NotSent fault)

        match Verdict.ofOutcome false (Outcome.NotSent fault) with
        | Verdict.Stop kind -> fail state kind
        | _ -> fail state FailureKind.SourceUnreadable

    /// The next state and what the driver is to do. Total: an input that does not fit the state is a bug of the
    /// driver and ends the push as `Failed` with `FailureKind.Internal`.
    [<CompiledName("Step")>]
    let step (state: State) (input: Input) : struct (State * Output) =
        let at = timeOf input
        let now = max state.Now at

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
            put { state with Now = now } attempt (url, PresignedUrl.inspect url)
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
        | Phase.Waiting(_, until), Input.Woke _ when at < until ->
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
