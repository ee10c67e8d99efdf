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
/// - a URL that had expired, by the server's word or by its own, is not sent again;
/// - a digest header goes with every `Put` for which it was asked or signed, and with no other; its digest is taken once,
///   and a `Put` of other content is not a success;
/// - `Done` only if every digest that the response reports equals ours (an MD5 may go uncompared where another digest
///   confirms); a confirmation is never weaker than with all digests taken, except that a CRC-64/NVME may replace an MD5;
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
    let createKnowing (hosts: KnownHosts) (plan: PushPlan) : State =
        let state = State.fresh plan

        {
            state with
                History = { state.History with Hosts = hosts }
        }

    /// What a push has learnt about hosts, for the pushes after it.
    [<CompiledName("Hosts")>]
    let hosts (state: State) : KnownHosts = state.History.Hosts

    /// What the caller should know about the receipt of a push that is done: one sentence for people.
    [<CompiledName("Warning")>]
    let warning (state: State) : string option = state.History.Warning

    /// Returns the wait before the next attempt, for displays; `None` for a push that is not waiting.
    [<CompiledName("RetryWait")>]
    let retryWait (state: State) : RetryWait option =
        match state.Phase, state.History.Last with
        | Phase.Waiting(next, until), ValueSome heard ->
            Some {
                NextAttempt = next
                Until = until
                Reason = AttemptReport.inWords state heard.Outcome
            }
        | _ -> None

    /// The next state, in the given phase at the given time, and what the driver is to do.
    let private go (state: State) (now: DateTimeOffset) (phase: Phase) (output: Output) =
        struct ({ state with Now = now; Phase = phase }, output)

    let private finish (state: State) (now: DateTimeOffset) (output: Output) =
        go state now (Phase.Ended output) output

    /// The digests that a request to the URL carries as headers.
    let private digestHeaders (state: State) (url: RequestUrl) =
        let algorithms =
            DigestPolicy.sentAsHeaders state.Plan.Target.ContentMd5 (PushPlan.headers state.Plan) url.Query

        DigestPolicy.headers algorithms state.History.Digests url.Query

    /// The digests that must be taken before anything is sent to the URL; empty once they were.
    let private neededFirst (state: State) (url: RequestUrl) =
        let isKnown algorithm =
            state.History.Digests
            |> List.exists (fun digest -> digest.Algorithm = algorithm)

        DigestPolicy.neededFirst state.Plan.Target.ContentMd5 (PushPlan.headers state.Plan) url.Query
        |> List.filter (isKnown >> not)

    let private fail (state: State) (now: DateTimeOffset) (kind: FailureKind) =
        let secrets = State.secrets state
        let url = ValueOption.toOption state.Url

        FailureText.create kind {
            Plan = state.Plan
            Url = url |> Option.map PresignedUrl.inspect
            Length = state.Began.Length
            DigestHeaders = url |> Option.map (digestHeaders state) |> Option.defaultValue []
            Attempts = state.Attempts
            Elapsed = now - state.Began.At
            Last =
                match state.History.Last with
                | ValueSome heard -> Some(Outcome.mapTexts (State.presentable secrets) heard.Outcome)
                | ValueNone -> None
            MayBeStored = state.History.MayBeStored
            Now = now
        }
        |> Output.Failed
        |> finish state now

    /// Fails for a reason that is not an attempt's.
    let private failWith (state: State) (now: DateTimeOffset) (kind: FailureKind) (reason: string) =
        // Masked before it is cut to its length, so that no half of a secret stays.
        let masked = Redaction.withoutSecrets (State.secrets state) reason
        let fault = Fault.Create(FaultKind.Network, masked, 0L)
        fail (State.after (Outcome.NotSent fault) state) now kind

    /// Compares the URL with the address that the receipt would name.
    let private address (state: State) (url: RequestUrl) =
        ObjectAddress.check state.Plan.Target.Bucket state.Plan.Key url

    /// The reason why the URL may not be used, if it is for another object.
    let private otherObject (state: State) (url: RequestUrl) =
        if state.Plan.Target.KeyCheck then
            ObjectAddress.problem state.Plan.Destination (address state url)
            |> Option.map (fun problem ->
                match state.Plan.Target.Name with
                | Some name ->
                    $"{problem}. A gateway that rewrites paths is allowed by {Variable.forTarget name Variable.KeyCheck}=off"
                | None -> $"{problem}. A gateway that rewrites paths is allowed by KeyCheck = false")
        else
            None

    /// The reason why a URL may not be used, if a program percent-encoded the braces of a placeholder in its path.
    let private encodedPlaceholder (state: State) (url: RequestUrl) =
        if
            EncodedPlaceholder.mayBeIn (
                url.Value.AsSpan(url.Authority.Stop, url.QueryFirst - url.Authority.Stop)
            )
        then
            EncodedPlaceholder.find (RequestUrl.path url)
            |> Option.filter (fun placeholder ->
                not (EncodedPlaceholder.isIn placeholder (Destination.value state.Plan.Destination)))
            |> Option.map (fun placeholder ->
                $"the URL {EncodedPlaceholder.problem placeholder}. {EncodedPlaceholder.remedyOfUrl.TrimEnd '.'}")
        else
            None

    let private finishWith (state: State) now (reply: Reply) (sent: Sent) (confirmed: Confirmation) =
        finish
            state
            now
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
                Sha256 = sent.Sha256.Hex
                Md5 = (sent.With state.History.Digests).Md5
                Checksums =
                    Integrity.confirmed state.Plan.Target.Integrity reply sent
                    |> List.map (fun digest -> digest.Algorithm.Name, digest.Base64)
                    |> Map.ofList
                ETag = State.shown state reply.ETag
                VersionId = State.shown state reply.VersionId
                RequestId = State.shown state reply.RequestId
                HostId = State.shown state reply.HostId
                DestinationChecked =
                    match state.Url with
                    | ValueSome url -> state.Plan.Target.KeyCheck && address state url = AddressCheck.Same
                    | ValueNone -> false
                Integrity = confirmed.Name
                Attempts = state.Attempts
                StartedAt = state.Began.At
                CompletedAt = now
            })

    /// Asks for a URL, unless the time forbids it.
    let private ask (state: State) (now: DateTimeOffset) (attempt: int) =
        if State.isTooLate now state then
            fail state now FailureKind.DeadlineExceeded
        else
            go state now (Phase.Asking attempt) (Output.AskUrl(attempt, State.deadline state))

    let private request (state: State) (now: DateTimeOffset) (attempt: int) (url: RequestUrl) : PutRequest =
        let target = state.Plan.Target
        let length = state.Began.Length

        {
            Attempt = attempt
            Url = url
            Headers = digestHeaders state url @ PushPlan.headers state.Plan
            Length = length
            // Never without a body: there would be nothing to wait with (RFC 9110, 10.1.1).
            ExpectContinue =
                length > 0L
                && target.ExpectContinueFrom |> Option.exists (fun from -> length >= from)
                && not (KnownHosts.refusesExpect url state.History.Hosts)
            Digests =
                DigestPolicy.sending
                    target.Integrity
                    (KnownHosts.reported url state.History.Hosts)
                    (state.History.Digests |> List.map _.Algorithm)
            ConnectTimeout = target.Limits.ConnectTimeout
            Timeout =
                match State.deadline state with
                | Some deadline -> Instant.shorter target.Limits.RequestTimeout (deadline - now)
                | None -> target.Limits.RequestTimeout
            StallTimeout = target.Limits.StallTimeout
        }

    let private takeDigests
        (state: State)
        (now: DateTimeOffset)
        (phase: Phase)
        (algorithms: DigestAlgorithm list)
        =
        go state now phase (Output.TakeDigests(algorithms, State.deadline state))

    /// The parameter of the URL's query that fixes a digest of other content.
    let private fixesOtherContent (state: State) (url: RequestUrl) =
        DigestPolicy.fixedByQuery url.Query
        |> List.tryFind (fun (_, digest) -> not (List.contains digest state.History.Digests))

    /// Whether no request with this URL may begin at the given moment.
    let private isExpired (at: DateTimeOffset) (url: RequestUrl) =
        match url.Query.UsableUntil with
        | ValueSome until -> Instant.isBefore at until
        | ValueNone -> false

    let private holding (url: RequestUrl) (state: State) = { state with Url = ValueSome url }

    /// Makes the attempt, unless the URL or the time forbids it, or digests of the file have to be taken first.
    let private put (state: State) (now: DateTimeOffset) (attempt: int) (url: RequestUrl) =
        let put = request state now attempt url

        if State.isTooLate now state then
            fail (holding url state) now FailureKind.DeadlineExceeded
        elif isExpired now url then
            fail (holding url state) now FailureKind.UrlExpired
        else
            match HeaderCoverage.problems url put.Headers, HeaderCoverage.missing url put.Headers with
            | [], [] when (encodedPlaceholder state url).IsSome ->
                failWith (holding url state) now FailureKind.UrlUnusable (encodedPlaceholder state url).Value
            | [], [] when (otherObject state url).IsSome ->
                failWith (holding url state) now FailureKind.UrlUnusable (otherObject state url).Value
            | [], [] when not (neededFirst state url).IsEmpty ->
                let algorithms = neededFirst state url
                takeDigests (holding url state) now (Phase.Digesting(attempt, algorithms)) algorithms
            | [], [] when (fixesOtherContent state url).IsSome ->
                let name, fixedDigest = (fixesOtherContent state url).Value

                let own =
                    state.History.Digests
                    |> List.find (fun digest -> digest.Algorithm = fixedDigest.Algorithm)

                failWith
                    (holding url state)
                    now
                    FailureKind.UrlUnusable
                    $"the URL is for other content: '{name}' in its query is {fixedDigest.Base64}, and this file's is {own.Base64}. Export the file that the URL was presigned for, or ask the presigner for a URL for this file"
            | [], [] ->
                struct ({
                            state with
                                Now = now
                                Phase = Phase.Putting put
                                Attempts = attempt
                                Url = ValueSome url
                        },
                        Output.Put put)
            | [], names ->
                let remedy = HeaderCoverage.remedy state.Plan.Target.Name names

                failWith
                    (holding url state)
                    now
                    FailureKind.UrlUnusable
                    $"the signature covers a header that is not supplied ({RequestHeader.shownNames names}), so the server would refuse the request; {remedy}"
            | unfit, _ ->
                let reasons = unfit |> List.map _.Message |> String.concat " "
                failWith (holding url state) now FailureKind.UrlUnusable (reasons.TrimEnd '.')

    /// Begins the given attempt: with the URL in hand if it still serves, or with a fresh one if there is a
    /// source of them.
    let private start (state: State) (now: DateTimeOffset) (attempt: int) =
        match state.Plan.Url, state.Url with
        | UrlSource.Given url, _ -> put state now attempt url
        | UrlSource.Asked, ValueSome url when not (isExpired now url) -> put state now attempt url
        | UrlSource.Asked, _ -> ask (State.withoutUrl state) now attempt

    /// Waits and tries again, or ends the push with the given kind if nothing is left to try.
    let private retry (state: State) (now: DateTimeOffset) (roll: float) (ifLast: FailureKind) =
        let policy = state.Plan.Target.Retry

        if state.Attempts >= policy.MaxAttempts then
            fail state now ifLast
        else
            let asked =
                match state.History.Last |> ValueOption.map _.Outcome with
                | ValueSome(Outcome.Replied reply) ->
                    Retry.asked
                        policy.MaxBackoff
                        now
                        (State.shown state reply.RetryAfter)
                        (State.shown state reply.AmzRetryAfter)
                | _ -> TimeSpan.Zero

            let wait = Retry.wait policy state.Attempts roll asked
            let until = Instant.plus wait now
            let next = state.Attempts + 1

            let pastExpiry =
                match state.Plan.Url with
                | UrlSource.Given url -> isExpired until url
                | UrlSource.Asked -> false

            if State.isTooLate until state then fail state now FailureKind.DeadlineExceeded
            elif pastExpiry then fail state now FailureKind.UrlExpired
            elif wait.Ticks = 0L then start state now next
            else go state now (Phase.Waiting(next, until)) (Output.Wait until)

    /// The bytes arrived damaged: once more, at most.
    let private retryOnce (state: State) (now: DateTimeOffset) (roll: float) =
        if state.History.Damaged then
            fail state now FailureKind.IntegrityMismatch
        else
            let state = {
                state with
                    History = { state.History with Damaged = true }
            }

            retry state now roll FailureKind.IntegrityMismatch

    /// What was sent is not what was announced, or not what an earlier attempt sent.
    let private sourceChanged (state: State) (outcome: Outcome) =
        match Outcome.sent outcome with
        | None -> None
        | Some sent when sent.Bytes <> state.Began.Length ->
            Some $"the file had {state.Began.Length} bytes when it was opened, and {sent.Bytes} were sent"
        | Some sent ->
            let isOther (known: Digest) =
                sent.Digest known.Algorithm |> Option.exists (fun digest -> digest <> known)

            match state.History.Sent, state.History.Digests |> List.tryFind isOther with
            | Some known, _ when known.Sha256 <> sent.Sha256 ->
                Some "the file's content changed between two attempts"
            | _, Some known ->
                Some $"the file's content changed after its {known.Algorithm.Title} had been taken"
            | _ -> None

    let private isTimeout (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> fault.Kind = FaultKind.RequestTimeout
        | Outcome.Replied _ -> false

    let private circumstances (state: State) (now: DateTimeOffset) (put: PutRequest) : Circumstances = {
        WriteOnce = state.Plan.Target.WriteOnce
        Expected = put.ExpectContinue
        IsPresigned = RequestUrl.isPresigned put.Url
        AcceptUnmarked = state.Plan.Target.AcceptUnmarked
        IsPastExpiry =
            match put.Url.Query.ExpiresAt with
            | ValueSome at -> not (Instant.isBefore at now)
            | ValueNone -> false
        FixesOtherChecksum = (SignedQuery.emptyChecksum put.Url.Query).IsSome && put.Length > 0L
    }

    /// The state with a warning, where a gateway answered without saying that a store has the object.
    let private warned (url: RequestUrl) (reply: Reply) (state: State) =
        if reply.IsMarked || RequestUrl.isPresigned url then
            state
        else
            let artifact = Check.quote (ArtifactName.value state.Plan.Artifact)

            {
                state with
                    History = {
                        state.History with
                            Warning =
                                Some
                                    $"The response for {artifact} (HTTP {reply.Status}) has no ETag, checksum, version or request id: nothing shows that a store has the object."
                    }
            }

    /// What follows from a success whose digests are compared.
    let private compare (state: State) (now: DateTimeOffset) (comparison: Comparison) =
        let { Request = put; Reply = reply } = comparison
        let sent = comparison.Sent

        let terms = {
            Mode = state.Plan.Target.Integrity
            HasContentMd5 =
                put.Headers
                |> List.exists (fun header -> RequestHeader.key header = SignedQuery.ContentMd5)
            HasOpaqueTags = S3Host.isOfDirectoryBucket (RequestUrl.host put.Url)
        }

        let state = {
            state with
                History = {
                    state.History with
                        Hosts =
                            KnownHosts.reporting put.Url now (Integrity.reported reply) state.History.Hosts
                }
        }

        match Integrity.verdict terms reply sent with
        | IntegrityVerdict.Confirmed confirmed ->
            finishWith (warned put.Url reply state) now reply sent confirmed
        | IntegrityVerdict.Mismatch _ ->
            retryOnce
                (State.after (Outcome.Replied { reply with Sent = Some sent }) state)
                now
                comparison.Roll
        | IntegrityVerdict.NotTaken _ when State.isTooLate now state ->
            fail (State.after (Outcome.Replied reply) state) now FailureKind.DeadlineExceeded
        | IntegrityVerdict.NotTaken algorithms ->
            let algorithms = DigestAlgorithm.Sha256 :: algorithms

            takeDigests
                (State.after (Outcome.Replied reply) state)
                now
                (Phase.Comparing {
                    comparison with
                        Algorithms = algorithms
                })
                algorithms
        | IntegrityVerdict.Missing ->
            fail (State.after (Outcome.Replied reply) state) now FailureKind.Unverified

    let private attempted (state: State) now (put: PutRequest) (roll: float) (outcome: Outcome) =
        let cutByDeadline () =
            isTimeout outcome
            && put.Timeout.Ticks < state.Plan.Target.Limits.RequestTimeout.Ticks

        match sourceChanged state outcome, Verdict.ofOutcome (circumstances state now put) outcome with
        | Some reason, _ -> failWith (State.after outcome state) now FailureKind.SourceChanged reason
        | None, Verdict.Accepted(reply, sent) ->
            compare state now {
                Request = put
                Reply = reply
                Sent = sent
                Roll = roll
                Algorithms = []
            }
        | None, Verdict.Retry _ when cutByDeadline () ->
            fail (State.after outcome state) now FailureKind.DeadlineExceeded
        | None, Verdict.Retry ifLast -> retry (State.after outcome state) now roll ifLast
        | None, Verdict.RetryOnce -> retryOnce (State.after outcome state) now roll
        | None, Verdict.FreshUrl ->
            let state = State.after outcome state

            match state.Plan.Url with
            | UrlSource.Asked when state.Attempts < state.Plan.Target.Retry.MaxAttempts ->
                ask (State.withoutUrl state) now (state.Attempts + 1)
            | _ -> fail state now FailureKind.UrlExpired
        | None, Verdict.WithoutExpect ->
            let state = State.after outcome state

            // The same attempt: it was answered before the body.
            let state = {
                state with
                    History = {
                        state.History with
                            Hosts = KnownHosts.withoutExpect put.Url state.History.Hosts
                    }
            }

            start state now state.Attempts
        | None, Verdict.Stop kind -> fail (State.after outcome state) now kind

    /// In UTC: sums near either end of time have no other representation.
    let private timeOf (input: Input) =
        match input with
        | Input.Started(at, _)
        | Input.NoSource(at, _)
        | Input.UrlGiven(at, _)
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

    let private areAllOf (asked: DigestAlgorithm list) (digests: Digest list) =
        List.sort asked = (digests |> List.map _.Algorithm |> List.sort)

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
            | Phase.Putting _ -> {
                state with
                    History = {
                        state.History with
                            MayBeStored = true
                    }
              }
            | _ -> state

        failWith state now FailureKind.Internal "the driver reported something that was not asked for"

    /// The next state and what the driver is to do. Total: an input that does not fit the state is a bug of the
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
        | Phase.Asking _, Input.UrlGiven(_, url) when List.contains url state.History.Earlier ->
            // A manifest that nobody has renewed: the server would say no more than it did.
            fail (holding url state) now FailureKind.UrlExpired
        | Phase.Asking attempt, Input.UrlGiven(_, url) -> put state now attempt url
        | Phase.Asking _, Input.NoUrl(_, reason) -> failWith state now FailureKind.UrlUnusable reason
        | Phase.Asking attempt, Input.Woke _ -> ask state now attempt
        | (Phase.Digesting(_, asked) | Phase.Comparing { Algorithms = asked }), Input.DigestsTaken(_, digests) when
            not (areAllOf asked digests)
            ->
            failWith
                state
                now
                FailureKind.Internal
                "the driver did not report the digests that were asked for"
        | Phase.Digesting(attempt, _), Input.DigestsTaken(_, digests) ->
            let state = {
                state with
                    History = {
                        state.History with
                            Digests = state.History.Digests @ digests
                    }
            }

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
