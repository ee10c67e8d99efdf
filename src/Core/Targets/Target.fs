namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

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
