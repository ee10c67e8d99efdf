namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// The limits in time of a push. Both timeouts bound every attempt; there is never an attempt without them.
type Limits = {
    /// For name resolution, TCP, proxy and TLS.
    ConnectTimeout: TimeSpan
    /// For one attempt as a whole.
    RequestTimeout: TimeSpan
    /// The longest time in which no byte moves: none of the body, none of the reply. It counts from when there
    /// is a connection.
    StallTimeout: TimeSpan option
    /// For all attempts together.
    Deadline: TimeSpan option
}

/// Limits in time, with their defaults.
[<RequireQualifiedAccess>]
module Limits =
    /// 10 s to connect, 30 s for an attempt, no stall timeout, no deadline.
    [<CompiledName("Defaults")>]
    let defaults = {
        ConnectTimeout = TimeSpan.FromMilliseconds(float Variable.DefaultConnectTimeoutMs)
        RequestTimeout = TimeSpan.FromMilliseconds(float Variable.DefaultRequestTimeoutMs)
        StallTimeout = None
        Deadline = None
    }

    /// 2,147,483,647 ms (24 days): what every timer of .NET takes.
    let private maxTime = TimeSpan.FromMilliseconds(float Int32.MaxValue)

    let private positive subject (value: TimeSpan) =
        if value <= TimeSpan.Zero then
            Check.refuse
                subject
                (Check.invariant $"is {value.TotalMilliseconds} ms")
                "Give a positive time: an upload is never made without limits."
        elif value > maxTime then
            Check.refuse
                subject
                (Check.invariant $"is {value.TotalMilliseconds} ms")
                (Check.invariant $"Give at most {maxTime.TotalMilliseconds} ms.")
        else
            Ok value

    let private positiveIfGiven subject value =
        match value with
        | None -> Ok None
        | Some value -> positive subject value |> Result.map Some

    /// Returns the time for one request as a whole, or why it is no limit.
    [<CompiledName("CheckRequestTimeout")>]
    let checkRequestTimeout (timeout: TimeSpan) : Result<TimeSpan, Refusal> =
        positive "request timeout" timeout

    /// The limits, if all are positive and none is longer than a timer takes; all that is wrong is told at once.
    [<CompiledName("Check")>]
    let check (limits: Limits) =
        validation {
            let! connect = positive "connect timeout" limits.ConnectTimeout
            and! request = checkRequestTimeout limits.RequestTimeout
            and! stall = positiveIfGiven "stall timeout" limits.StallTimeout
            and! deadline = positiveIfGiven "deadline" limits.Deadline

            return {
                ConnectTimeout = connect
                RequestTimeout = request
                StallTimeout = stall
                Deadline = deadline
            }
        }

/// Where a push gets its URL from.
[<RequireQualifiedAccess>]
type UrlSource =
    /// It is known, and stays the same for all attempts.
    | Given of RequestUrl
    /// The driver is asked for one before the first attempt, and again when it has expired.
    | Asked

/// All that a sink knows before it sees an artifact: one target of one cell.
type Target = {
    /// Its name in the cell spec.
    Name: TargetName option
    /// The cell whose evidence it takes.
    CellId: CellId
    /// The bucket of the logical address; `None` for an HTTP endpoint, whose logical address is its URL.
    Bucket: Bucket option
    /// What stands before the cell id in the key.
    KeyPrefix: KeyPrefix
    /// The region of the bucket, for the receipt.
    Region: string option
    /// `None` where URLs are asked for one by one.
    Url: UrlTemplate option
    /// How often to try, and how long to wait in between.
    Retry: RetryPolicy
    /// How long it may take.
    Limits: Limits
    /// How much the server must confirm.
    Integrity: IntegrityMode
    /// Send `Content-MD5`, even if the signature does not cover it.
    ContentMd5: bool
    /// `If-None-Match: *`: never overwrite.
    WriteOnce: bool
    /// True if a success without a mark, status or body of a store counts, in response to a presigned URL.
    AcceptUnmarked: bool
    /// True if a presigned URL must be for the artifact's bucket and key.
    KeyCheck: bool
    /// True if the digests of the content go to the source of URLs, which can sign them.
    BindDigest: bool
    /// From how many bytes on `Expect: 100-continue` is sent; `None` for never.
    ExpectContinueFrom: int64 option
    /// The largest artifact, in bytes.
    MaxObjectBytes: int64
    /// Headers that every artifact gets, in the order of their names.
    Headers: RequestHeader list
} with

    /// The kind of target.
    member this.Kind =
        match this.Bucket with
        | Some _ -> TargetKind.S3
        | None -> TargetKind.Http

/// Makes targets, with their defaults.
[<RequireQualifiedAccess>]
module Target =
    /// The most that one PUT may carry: 5 GiB (Amazon S3 User Guide, "Uploading objects").
    [<Literal>]
    let MaxPutBytes = 5368709120L

    /// 1 MiB.
    [<Literal>]
    let DefaultExpectContinueFrom = 1048576L

    /// A target with the default limits, three attempts, and what a server reports verified.
    [<CompiledName("Create")>]
    let create (cellId: CellId) (bucket: Bucket) (url: UrlTemplate option) = {
        Name = None
        CellId = cellId
        Bucket = Some bucket
        KeyPrefix = KeyPrefix.none
        Region = None
        Url = url
        Retry = RetryPolicy.defaults
        Limits = Limits.defaults
        Integrity = IntegrityMode.Verify
        ContentMd5 = false
        WriteOnce = false
        AcceptUnmarked = false
        KeyCheck = true
        BindDigest = false
        ExpectContinueFrom = Some DefaultExpectContinueFrom
        MaxObjectBytes = MaxPutBytes
        Headers = []
    }

/// A target as a caller writes it down, before anything is checked. Null and blank mean left out where the
/// `Target` has an option. It holds a credential: keep it out of logs.
type TargetDraft = {
    /// At most 128 characters.
    Name: string | null
    /// One path segment, at most 255 UTF-8 bytes.
    CellId: string
    /// Not empty, no `/`.
    Bucket: string
    /// Path segments joined by `/`.
    KeyPrefix: string | null
    /// For the receipt.
    Region: string | null
    /// A URL or a template; left out where URLs are asked for one by one.
    Url: string | null
    /// How many sources of URLs there are; one at most may take the place of `Url`.
    UrlSources: int
    /// How the wait between two attempts grows.
    RetryMode: RetryMode
    /// All tries, the first included: 1 or more.
    MaxAttempts: int
    /// The wait between attempts: 0 or more, at most `RetryPolicy.MaxWait`.
    Backoff: TimeSpan
    /// The longest wait, and the longest that `Retry-After` is followed: as `Backoff`.
    MaxBackoff: TimeSpan
    /// Each of them positive.
    Limits: Limits
    /// How much the server must confirm.
    Integrity: IntegrityMode
    /// Send `Content-MD5`, even if the signature does not cover it.
    ContentMd5: bool
    /// `If-None-Match: *`: never overwrite.
    WriteOnce: bool
    /// True if a success without a mark, status or body of a store counts, in response to a presigned URL.
    AcceptUnmarked: bool
    /// True if a presigned URL must be for the artifact's bucket and key.
    KeyCheck: bool
    /// True if the digests of the content go to the source of URLs, which can sign them.
    BindDigest: bool
    /// From how many bytes on `Expect: 100-continue` is sent: 0 or more; `None` for never.
    ExpectContinueFrom: int64 option
    /// The largest artifact, in bytes: 0 or more.
    MaxObjectBytes: int64
    /// Headers that every artifact gets: names and values.
    Headers: KeyValuePair<string, string> seq
} with

    override this.ToString() =
        let url =
            this.Url
            |> Option.ofObj
            |> Option.map Redaction.url
            |> Option.defaultValue "no URL"

        $"{this.CellId} → {this.Bucket}, {url}"

/// Checks what a program says of a target.
[<RequireQualifiedAccess>]
module TargetDraft =
    let private given (value: string | null) =
        match value with
        | NonNull value when not (String.IsNullOrWhiteSpace value) -> Some value
        | _ -> None

    let private name value =
        match given value with
        | None -> Ok None
        | Some value -> TargetName.create value |> Result.map Some

    let private url (value: string | null) sources =
        match given value, sources with
        | None, 1 -> Ok None
        | given, 0 -> UrlTemplate.parse (given |> Option.defaultValue "") |> Result.map Some
        | _ ->
            Check.refuse
                "upload URL"
                "comes from several places"
                "Keep one of them: a URL for all artifacts, or one source with a URL for each."

    let private expectContinueFrom bytes =
        match bytes with
        | Some bytes when bytes < 0L ->
            Check.refuse
                "size from which Expect: 100-continue is sent"
                (Check.invariant $"is negative ({bytes})")
                "Give 0 for always, a positive number of bytes, or nothing for never."
        | bytes -> Ok bytes

    let private maxObjectBytes bytes =
        if bytes < 0L then
            Check.refuse
                "largest object size"
                (Check.invariant $"is negative ({bytes})")
                "Give a number of bytes, 0 or more."
        else
            Ok bytes

    /// What a template says of its headers is the same for all artifacts. A header that its signature covers may still
    /// come with an artifact.
    let private carried url headers : Validation<unit, Refusal> =
        match url, headers with
        | Ok(Some template), Ok headers ->
            match HeaderCoverage.problems (UrlTemplate.sample template) headers with
            | [] -> Ok()
            | refusals -> Error refusals
        | _ -> Ok()

    /// The target, or all that is wrong with it at once.
    [<CompiledName("Check")>]
    let check (draft: TargetDraft) : Validation<Target, Refusal> =
        let url = url draft.Url draft.UrlSources
        let headers = RequestHeaders.create draft.Headers

        validation {
            let! name = name draft.Name
            and! cellId = CellId.create draft.CellId
            and! bucket = Bucket.create draft.Bucket
            and! keyPrefix = KeyPrefix.create (given draft.KeyPrefix |> Option.defaultValue "")
            and! region = Region.parse draft.Region
            and! () = carried url headers
            and! url = url
            and! headers = headers

            and! retry =
                RetryPolicy.create draft.RetryMode draft.MaxAttempts draft.Backoff draft.MaxBackoff

            and! limits = Limits.check draft.Limits
            and! expectContinueFrom = expectContinueFrom draft.ExpectContinueFrom
            and! maxObjectBytes = maxObjectBytes draft.MaxObjectBytes

            return {
                Name = name
                CellId = cellId
                Bucket = Some bucket
                KeyPrefix = keyPrefix
                Region = region
                Url = url
                Retry = retry
                Limits = limits
                Integrity = draft.Integrity
                ContentMd5 = draft.ContentMd5
                WriteOnce = draft.WriteOnce
                AcceptUnmarked = draft.AcceptUnmarked
                KeyCheck = draft.KeyCheck
                BindDigest = draft.BindDigest
                ExpectContinueFrom = expectContinueFrom
                MaxObjectBytes = maxObjectBytes
                Headers = headers
            }
        }

/// One artifact on its way to one place. Made before the file is opened.
type PushPlan = {
    /// Where it goes.
    Target: Target
    /// What goes there.
    Artifact: ArtifactName
    /// The key that it gets: prefix, cell id and name.
    Key: ObjectKey
    /// The logical address, `s3://bucket/key`; of an HTTP endpoint, the URL without its query.
    Destination: Destination
    /// Where the URL comes from.
    Url: UrlSource
    /// `Content-Type`, if one was asked for. SigV2 signs it, so none is sent on our own account.
    ContentType: string option
    /// Other headers that were asked for: the target's, and over them the artifact's.
    Headers: RequestHeader list
    /// Headers that the source of URLs gave along with the URL in use.
    Granted: RequestHeader list
}

/// Makes plans, and looks into them.
[<RequireQualifiedAccess>]
module PushPlan =
    let private plan (target: Target) (artifact: ArtifactName) (key: ObjectKey) (destination: Destination) = {
        Target = target
        Artifact = artifact
        Key = key
        Destination = destination
        Url =
            match target.Url with
            | Some template -> UrlSource.Given(UrlTemplate.render target.CellId artifact template)
            | None -> UrlSource.Asked
        ContentType = None
        Headers = target.Headers
        Granted = []
    }

    /// The URL of an HTTP endpoint without its query. Where the names are in the query, they follow as a fragment: artifacts
    /// have addresses of their own.
    let private httpAddress (target: Target) (artifact: ArtifactName) (key: ObjectKey) =
        match target.Url with
        | Some template ->
            let names = ObjectKey.value key

            let address =
                RequestUrl.addressOf names (UrlTemplate.render target.CellId artifact template)

            if template.HasOneQuery then
                address
            else
                $"{address}#{UrlTemplate.encode true names}"
        | None -> ""

    /// The plan for an artifact; refused if its key would be longer than S3 allows.
    [<CompiledName("Create")>]
    let create (target: Target) (artifact: ArtifactName) : Result<PushPlan, Refusal> =
        match target.Bucket with
        | None ->
            let key = ObjectKey.ofNames target.CellId artifact
            Ok(plan target artifact key (Destination.ofAddress (httpAddress target artifact key)))
        | Some bucket ->
            ObjectKey.create target.KeyPrefix target.CellId artifact
            |> Result.map (fun key -> plan target artifact key (Destination.create bucket key))

    /// The region that a receipt names for a URL: the one that was set, unless the URL's host is one of AWS in another. Such a
    /// host has no buckets but its region's own.
    let internal regionAt (url: RequestUrl option) (plan: PushPlan) : string option =
        match plan.Target.Region, url with
        | Some set, Some url ->
            S3Host.tryParse (RequestUrl.host url)
            |> Option.bind _.Region
            |> Option.orElse (Some set)
        | set, _ -> set

    /// The plan with a `Content-Type`: visible ASCII and blanks, at most 255 characters.
    [<CompiledName("WithContentType")>]
    let withContentType (contentType: string) (plan: PushPlan) : Result<PushPlan, Refusal> =
        ContentType.create contentType
        |> Result.map (fun value -> { plan with ContentType = Some value })

    /// The plan with headers of the artifact's own, which take the place of the target's of the same names.
    [<CompiledName("WithHeaders")>]
    let withHeaders
        (headers: KeyValuePair<string, string> seq)
        (plan: PushPlan)
        : Validation<PushPlan, Refusal> =
        RequestHeaders.create headers
        |> Result.map (fun own -> {
            plan with
                Headers = RequestHeaders.merge plan.Target.Headers own
        })

    /// The headers that caller and target ask for, besides `Host`, `Content-Length`, `Expect` and `Content-MD5`: those
    /// that a presigner may have to sign.
    [<CompiledName("OwnHeaders")>]
    let ownHeaders (plan: PushPlan) : RequestHeader list =
        let conditional =
            if plan.Target.WriteOnce then
                RequestHeader.trust "If-None-Match" "*" :: plan.Headers
            else
                plan.Headers

        match plan.ContentType with
        | Some contentType -> RequestHeader.trust "Content-Type" contentType :: conditional
        | None -> conditional

    /// All headers of a request of this plan besides `Host`, `Content-Length`, `Expect` and `Content-MD5`: the plan's own,
    /// and those that came with the URL.
    [<CompiledName("Headers")>]
    let headers (plan: PushPlan) : RequestHeader list =
        match plan.Granted with
        | [] -> ownHeaders plan
        | granted -> ownHeaders plan @ granted

    /// Returns what is wrong with a URL without a known signature whose path is plainly another artifact's, or another key
    /// after the bucket, without a full stop; `None` for any other URL. `isArtifact` is true for names of other artifacts.
    [<CompiledName("PlainlyOther")>]
    let plainlyOther
        (isArtifact: System.Func<string, bool>)
        (url: RequestUrl)
        (plan: PushPlan)
        : string option =
        let name = ArtifactName.value plan.Artifact
        let key = ObjectKey.value plan.Key
        let folder = key.Substring(0, key.Length - name.Length)

        match plan.Target.Bucket with
        | Some bucket when plan.Target.KeyCheck ->
            ObjectAddress.plainlyOther (Bucket.value bucket) folder name isArtifact.Invoke url
            |> Option.map (fun told ->
                $"the URL is for the object {Check.quote (RequestUrl.withoutSignature url told)}, and the receipt would say {Check.quote (Destination.value plan.Destination)}; correct the source of URLs, or switch the comparison of keys off where a gateway rewrites paths")
        | _ -> None

    /// Returns why the headers of this plan do not fit the signature of a URL, without a full stop; `None` if they do.
    [<CompiledName("Unfit")>]
    let unfit (url: RequestUrl) (plan: PushPlan) : string option =
        HeaderCoverage.unfit plan.Target.Name url (headers plan)
