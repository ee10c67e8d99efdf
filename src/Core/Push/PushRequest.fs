namespace CellOS.Export.S3.Core

open System

/// Makes the request of an attempt, and names what forbids it.
[<RequireQualifiedAccess>]
module internal PushRequest =

    /// The digests that a request to the URL carries as headers.
    let digestHeaders (state: State) (url: RequestUrl) =
        let algorithms =
            DigestPolicy.sentAsHeaders state.Plan.Target.ContentMd5 (PushPlan.headers state.Plan) url.Query

        DigestPolicy.headers algorithms state.History.Digests url.Query

    /// The digests that must be taken before anything is sent to the URL; empty once they were.
    let neededFirst (state: State) (url: RequestUrl) =
        let needed =
            DigestPolicy.neededFirst state.Plan.Target.ContentMd5 (PushPlan.headers state.Plan) url.Query

        State.untaken needed state

    /// Compares the URL with the address that the receipt would name.
    let address (state: State) (url: RequestUrl) =
        match state.Plan.Target.Bucket with
        | Some bucket -> ObjectAddress.check bucket state.Plan.Key url
        // The URL is the address.
        | None -> AddressCheck.Same

    /// Whether no request with this URL may begin at the given moment.
    let isExpired (at: DateTimeOffset) (url: RequestUrl) =
        match url.Query.UsableUntil with
        | ValueSome until -> Instant.isBefore at until
        | ValueNone -> false

    /// True if the source of the URL in use says that it is no longer valid at the given moment. Clocks may differ.
    let isPastGrant (state: State) (at: DateTimeOffset) =
        match state.History.ValidUntil with
        | ValueSome until -> Instant.isBefore at (Instant.plus SignedQuery.allowedSkew until)
        | ValueNone -> false

    /// Makes the request of the given attempt.
    let create (state: State) (now: DateTimeOffset) (attempt: int) (url: RequestUrl) : PutRequest =
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

    /// The reason why the URL may not be used, if its query fixes a digest of other content than was read.
    let private otherContent (state: State) (url: RequestUrl) =
        DigestPolicy.fixedByQuery url.Query
        |> List.tryPick (fun (name, fixedDigest) ->
            state.History.Digests
            |> List.tryFind (fun own -> own.Algorithm = fixedDigest.Algorithm && own <> fixedDigest)
            |> Option.map (fun own ->
                $"the URL is for other content: '{name}' in its query is {fixedDigest.Base64}, and this file's is {own.Base64}. Export the file that the URL was presigned for, or ask the presigner for a URL for this file"))

    /// The reason why the URL may not be used, if its source signed a digest of other content than was read.
    let private otherThanExpected (state: State) =
        state.History.Expected
        |> List.tryPick (fun expected ->
            state.History.Digests
            |> List.tryFind (fun own -> own.Algorithm = expected.Algorithm && own <> expected)
            |> Option.map (fun own ->
                $"the URL is for other content: its source signed the {own.Algorithm.Title} {expected.Base64}, and this file's is {own.Base64}. Let the presigner sign the digest of the request"))

    /// The reason why the request may not be made with its URL, whatever the time; without a full stop.
    let obstacle (state: State) (put: PutRequest) : string option =
        HeaderCoverage.unfit state.Plan.Target.Name put.Url put.Headers
        |> Option.orElseWith (fun () -> encodedPlaceholder state put.Url)
        |> Option.orElseWith (fun () -> otherObject state put.Url)
        |> Option.orElseWith (fun () -> otherContent state put.Url)
        |> Option.orElseWith (fun () -> otherThanExpected state)
