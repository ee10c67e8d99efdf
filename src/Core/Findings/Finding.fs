namespace CellOS.Export.S3.Core

open System

/// How much a finding matters.
[<RequireQualifiedAccess>]
type Severity =
    /// An artifact cannot be exported as configured: `check` fails, and `CELLOS_STRICT_CONFIG=1` refuses it.
    | Error
    /// It works, but not as somebody meant it: `CELLOS_STRICT_CONFIG=1` refuses it.
    | Warning
    /// Worth knowing; never a reason to refuse.
    | Advice

    /// `error`, `warning` or `advice`.
    member this.Name =
        match this with
        | Error -> "error"
        | Warning -> "warning"
        | Advice -> "advice"

/// What was noticed in a configuration that can be used all the same. It holds no secret.
type Finding = {
    /// One of `FindingId`.
    Id: string
    /// Whether strictness refuses it.
    Severity: Severity
    /// The target that it is about; `None` for a global variable.
    Target: string option
    /// The environment variable, or the key of the spec, that brings it about.
    Variable: string
    /// What was noticed.
    What: string
    /// How to mend it.
    Remedy: string
} with

    /// `target 'a': CELLOS_…: what. How to mend it.`
    member this.Message =
        match this.Target with
        | Some target -> "target '" + target + "': " + this.Rest
        | None -> this.Rest

    member private this.Rest = this.Variable + ": " + this.What + ". " + this.Remedy

    override this.ToString() =
        $"{this.Severity.Name} {this.Id}: {this.Message}"

/// The ids of findings. They are stable: scripts may compare them.
[<RequireQualifiedAccess>]
module FindingId =
    /// Warning: the URL comes from `CELLOS_EXPORT_HTTP_BASE_URL__…`.
    [<Literal>]
    let LegacyUrlVariable = "legacy-url-variable"

    /// Warning: a text that is not a number, or a number out of range; the default holds.
    [<Literal>]
    let InvalidNumber = "invalid-number"

    /// Warning: a word that is not one of the choices; the default holds.
    [<Literal>]
    let InvalidChoice = "invalid-choice"

    /// Error for a presigned URL and a known cell, otherwise a warning: the URL's bucket is not the spec's.
    [<Literal>]
    let BucketMismatch = "bucket-mismatch"

    /// Error for a presigned URL and a known cell, otherwise a warning: the URL's key is not the one that a receipt would
    /// name.
    [<Literal>]
    let KeyMismatch = "key-mismatch"

    /// Advice: a presigned URL does not show which bucket it is for, so that receipts have `destinationChecked` false.
    [<Literal>]
    let DestinationUnchecked = "destination-unchecked"

    /// Error where the URL was signed for another region than that of its host, otherwise a warning: the URL's region is not
    /// the one that a receipt would name.
    [<Literal>]
    let RegionMismatch = "region-mismatch"

    /// Error for one URL, warning for a template: a part of a presigned URL is missing, so that no store accepts it.
    [<Literal>]
    let IncompleteSignature = "incomplete-signature"

    /// Error for one URL, warning for a template and where some stores may accept it: a program altered a presigned URL.
    [<Literal>]
    let MangledUrl = "mangled-url"

    /// Warning: the URL has expired. Error if it expired more than 15 minutes ago and an artifact has no other.
    [<Literal>]
    let UrlExpired = "url-expired"

    /// Error: the signature of the URL begins to be valid more than 15 minutes from now.
    [<Literal>]
    let UrlNotYetValid = "url-not-yet-valid"

    /// Error, or a warning where a gateway may make it work: the host or the port of the URL accepts no upload.
    [<Literal>]
    let WrongHost = "wrong-host"

    /// Error: a manifest contains no URL.
    [<Literal>]
    let EmptyManifest = "empty-manifest"

    /// Error: a manifest has no URL for some of the artifacts. If it has none for all of them, that is a problem.
    [<Literal>]
    let ManifestLacks = "manifest-lacks"

    /// Advice: a manifest has URLs for artifacts that are not exported.
    [<Literal>]
    let ManifestUnused = "manifest-unused"

    /// Error: a URL that names one object, and several artifacts for it.
    [<Literal>]
    let ExactUrlManyArtifacts = "exact-url-many-artifacts"

    /// Advice: a template in a URL with a signature, which fits one path.
    [<Literal>]
    let TemplateInSignedPath = "template-in-signed-path"

    /// Advice: the URL expires within a quarter of an hour.
    [<Literal>]
    let UrlExpiresSoon = "url-expires-soon"

    /// Advice: `http`, and the host is not this one.
    [<Literal>]
    let PlaintextTransport = "plaintext-transport"

    /// Warning: a variable of this library's prefix that it does not read.
    [<Literal>]
    let UnknownVariable = "unknown-variable"

    /// Warning: a key below `export` in a spec that this library does not read.
    [<Literal>]
    let UnknownKey = "unknown-key"

    /// Warning: a target's kind that no sink of the family has, or a document of the family that is not a cell spec.
    [<Literal>]
    let UnknownKind = "unknown-kind"

    /// Warning: a spec of the family in another version than the one that is read.
    [<Literal>]
    let UnknownVersion = "unknown-version"

    /// Error where `check --root` names the folder, otherwise a warning: an artifact of the spec has no file.
    [<Literal>]
    let ArtifactMissing = "artifact-missing"

    /// Error: a file that would be exported cannot be opened by this user.
    [<Literal>]
    let ArtifactUnreadable = "artifact-unreadable"

    /// Error: a file that would be exported is larger than its target allows.
    [<Literal>]
    let ArtifactTooLarge = "artifact-too-large"

    /// Advice: two names that differ by case only.
    [<Literal>]
    let CaseTwins = "case-twins"

    /// Advice: an entry of `NO_PROXY` that is ignored.
    [<Literal>]
    let NoProxyEntry = "no-proxy-entry"

    /// Advice: a segment of a URL's path that looks like a token.
    [<Literal>]
    let PathToken = "path-token"

    /// Advice: others can read the file with a broker's token.
    [<Literal>]
    let TokenReadable = "token-readable"

    /// Warning: digests are to be bound to URLs, and no URL is asked for.
    [<Literal>]
    let BindDigestUnused = "bind-digest-unused"

    /// Advice: a limit of a spool where no spool is given.
    [<Literal>]
    let SpoolLimitUnused = "spool-limit-unused"

    /// Advice: a bucket outside the AWS naming rules.
    [<Literal>]
    let BucketName = "bucket-name"

    /// Advice: the presigner signed the checksum of the empty body.
    [<Literal>]
    let BakedEmptyChecksum = "baked-empty-checksum"

    /// Advice: the URL was signed with headers that are sent only if the caller supplies them. Error if no caller can.
    [<Literal>]
    let SignedHeaders = "signed-headers"

    /// True if an artifact that a finding of this id is about fails alone: `push` exports the others.
    [<CompiledName("FailsAlone")>]
    let failsAlone (id: string) : bool = id = ManifestLacks

/// What keeps a configuration from being used. It holds no secret.
type ConfigProblem = {
    /// The target that it is about, if it is about one.
    Target: string option
    /// The environment variable that is at fault, if it is one.
    Variable: string option
    /// The line of the spec that is at fault, from 1; `None` if it is not the spec, or its lines are unknown.
    Line: int option
    /// What is wrong and how to mend it, in sentences.
    Text: string
} with

    /// `target 'a': CELLOS_…: what is wrong, how to mend it.` The line number is left to the caller, which knows the file's name.
    member this.Message =
        [
            this.Target |> Option.map (fun target -> $"target '{target}'")
            this.Variable
        ]
        |> List.choose id
        |> List.map (fun place -> place + ": ")
        |> String.concat ""
        |> fun places -> places + this.Text

    override this.ToString() =
        match this.Line with
        | Some line -> $"line {line}: {this.Message}"
        | None -> this.Message

[<RequireQualifiedAccess>]
module internal ConfigProblem =
    let inSpec (line: int option) (text: string) = {
        Target = None
        Variable = None
        Line = line
        Text = text
    }

    let inVariable (target: TargetName option) (variable: string) (text: string) = {
        Target = target |> Option.map TargetName.value
        Variable = Some variable
        Line = None
        Text = text
    }
