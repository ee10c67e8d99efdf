namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// A target of kind `http` as a caller writes it down, before anything is checked. Null and blank mean left out. It may hold
/// a credential: keep it out of logs.
type HttpTargetDraft = {
    /// At most 128 characters.
    Name: string | null
    /// One path segment, at most 255 UTF-8 bytes.
    CellId: string | null
    /// `http` or `https`: with placeholders, exact with a query, or what the names are appended to.
    BaseUrl: string | null
    /// The token alone, without `Bearer`.
    BearerToken: string | null
    /// True if the token may go over plain http to another host.
    AllowPlaintextToken: bool
    /// How the wait between two attempts grows.
    RetryMode: RetryMode
    /// All tries, the first included: 1 or more.
    MaxAttempts: int
    /// The wait between attempts.
    Backoff: TimeSpan
    /// The longest wait, and the longest that `Retry-After` is followed.
    MaxBackoff: TimeSpan
    /// Each of them positive.
    Limits: Limits
    /// How much the server must confirm.
    Integrity: IntegrityMode
    /// From how many bytes on `Expect: 100-continue` is sent: 0 or more; `None` for never.
    ExpectContinueFrom: int64 option
    /// The largest artifact, in bytes: 0 or more.
    MaxArtifactBytes: int64
    /// Headers that every artifact gets: names and values.
    Headers: KeyValuePair<string, string> seq
} with

    override this.ToString() =
        let url =
            this.BaseUrl
            |> Option.ofObj
            |> Option.map Redaction.url
            |> Option.defaultValue "no URL"

        $"{this.CellId} → {url}"

/// The settings of a target of kind `http`. It holds credentials.
type HttpSettings = {
    /// Where artifacts go.
    Url: UrlTemplate
    /// The headers that authorize.
    Authorization: RequestHeader list
    /// When it is tried again.
    Retry: RetryPolicy
    /// Limits in time.
    Limits: Limits
    /// Where artifacts are kept that failed for a temporary reason; `None` to keep none.
    Spool: SpoolSettings option
}

/// Makes targets of settings.
[<RequireQualifiedAccess>]
module HttpSettings =

    /// The target for one cell, with defaults for what the environment does not set.
    [<CompiledName("ForCell")>]
    let forCell (cellId: CellId) (name: TargetName option) (settings: HttpSettings) : Target = {
        Name = name
        CellId = cellId
        Bucket = None
        KeyPrefix = KeyPrefix.none
        Region = None
        Url = Some settings.Url
        Retry = settings.Retry
        Limits = settings.Limits
        Integrity = IntegrityMode.Verify
        ContentMd5 = false
        WriteOnce = false
        AcceptUnmarked = true
        KeyCheck = false
        BindDigest = false
        ExpectContinueFrom = Some Target.DefaultExpectContinueFrom
        MaxObjectBytes = Int64.MaxValue
        Headers = settings.Authorization
    }

/// Makes targets of kind `http`.
///
/// Rules that this module keeps (those of the family's HTTP sink):
/// - a URL with placeholders is a template; another one with a query is exact, and takes one artifact; to any other,
///   `/{cell_id}/{artifact_name}` is appended;
/// - a token goes over https, over http to this machine, and over http elsewhere only if the caller allows it;
/// - no message contains a query or a token.
[<RequireQualifiedAccess>]
module HttpTarget =

    /// The template of a base URL; or why it cannot be used.
    [<CompiledName("Template")>]
    let template (baseUrl: string | null) : Result<UrlTemplate, Refusal> =
        let text = baseUrl |> Option.ofObj |> Option.defaultValue "" |> RequestUrl.trim

        let isWhole =
            text = ""
            || text.Contains '?'
            || text.Contains '#'
            || text.Contains(UrlTemplate.CellIdPlaceholder, StringComparison.Ordinal)
            || text.Contains(UrlTemplate.ArtifactNamePlaceholder, StringComparison.Ordinal)

        (if isWhole then
             text
         else
             $"{text.TrimEnd '/'}/{UrlTemplate.CellIdPlaceholder}/{UrlTemplate.ArtifactNamePlaceholder}")
        |> UrlTemplate.parse
        |> Result.mapError (fun refusal -> {
            refusal with
                Subject = "base URL"
                Remedy =
                    if refusal.Remedy = RequestUrl.remedy then
                        "Give an absolute http:// or https:// URL, percent-encoded."
                    else
                        refusal.Remedy
        })

    /// The headers that authorize; or why the token may not be sent.
    [<CompiledName("Authorize")>]
    let authorize
        (allowPlaintext: bool)
        (template: UrlTemplate)
        (token: string | null)
        : Result<RequestHeader list, Refusal> =
        match token with
        | NonNull token when not (String.IsNullOrWhiteSpace token) ->
            match BearerToken.parse token with
            | Error refusal -> Error refusal
            | Ok _ when RequestUrl.isPlaintext (UrlTemplate.sample template) && not allowPlaintext ->
                Check.refuse
                    "bearer token"
                    "would go to another host over http, where others can read it"
                    $"Use https, or allow it with {Variable.SharedHttpPlaintextToken}=1 (in code: AllowPlaintextToken)."
            | Ok token -> Ok [ BearerToken.header token ]
        | _ -> Ok []

    let private nonNegative subject (bytes: int64) =
        if bytes < 0L then
            Check.refuse
                subject
                (Check.invariant $"is negative ({bytes})")
                "Give a number of bytes, 0 or more."
        else
            Ok bytes

    /// The target, or all that is wrong with it at once.
    [<CompiledName("Check")>]
    let check (draft: HttpTargetDraft) : Validation<Target, Refusal> =
        let template = template draft.BaseUrl

        validation {
            let! name =
                match draft.Name with
                | NonNull name when not (String.IsNullOrWhiteSpace name) ->
                    TargetName.create name |> Result.map Some
                | _ -> Ok None

            and! cellId = CellId.create (draft.CellId |> Option.ofObj |> Option.defaultValue "")
            and! url = template

            and! authorization =
                match template with
                | Ok template -> authorize draft.AllowPlaintextToken template draft.BearerToken
                | Error _ -> Ok []

            and! headers = RequestHeaders.create draft.Headers

            and! retry =
                RetryPolicy.create draft.RetryMode draft.MaxAttempts draft.Backoff draft.MaxBackoff

            and! limits = Limits.check draft.Limits

            and! expectContinueFrom =
                draft.ExpectContinueFrom
                |> Option.traverseResult (nonNegative "size from which Expect: 100-continue is sent")

            and! maxBytes = nonNegative "largest artifact size" draft.MaxArtifactBytes

            let settings = {
                Url = url
                Authorization = authorization
                Retry = retry
                Limits = limits
                Spool = None
            }

            return {
                HttpSettings.forCell cellId name settings with
                    Integrity = draft.Integrity
                    ExpectContinueFrom = expectContinueFrom
                    MaxObjectBytes = maxBytes
                    Headers = RequestHeaders.merge headers authorization
            }
        }
