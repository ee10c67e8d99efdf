namespace CellOS.Export.S3.Core

open System

/// Where a target's URLs come from.
[<RequireQualifiedAccess>]
type UrlChoice =
    /// A URL or a template, which is a credential.
    | Template of UrlTemplate
    /// A file with a URL for each artifact.
    | Manifest of Path: string
    /// A broker, which is asked for each artifact, and the file with its token.
    | Broker of Endpoint: BrokerEndpoint * TokenFile: string option
    /// A command, which is asked for each artifact.
    | Command of UrlCommand
    /// The program's own source of URLs, which is asked for each artifact.
    | Provider

    /// True if a URL is asked for each artifact, with a request that can hold digests.
    member this.IsOnDemand =
        match this with
        | Template _
        | Manifest _ -> false
        | Broker _
        | Command _
        | Provider -> true

/// A target of a cell spec with all its settings, before it is known which cell it is for.
/// What has no comment here is what `Target` says of it.
type TargetSettings = {
    /// The target's name.
    Name: TargetName
    /// The bucket of its logical addresses.
    Bucket: Bucket
    /// What stands before the cell id in keys.
    KeyPrefix: KeyPrefix
    /// The region of the bucket.
    Region: string option
    /// Where its URLs come from.
    Url: UrlChoice
    /// When it is tried again.
    Retry: RetryPolicy
    /// Limits in time.
    Limits: Limits
    /// What is taken of digests, and asked of the server.
    Integrity: IntegrityMode
    /// Whether `If-None-Match: *` is sent.
    WriteOnce: bool
    /// Whether a `Content-MD5` is sent in any case.
    ContentMd5: bool
    /// True if a success without a mark of a store counts, in response to a presigned URL.
    AcceptUnmarked: bool
    /// True if a presigned URL must be for the artifact's bucket and key.
    KeyCheck: bool
    /// True if the digests of the content go to the source of URLs, which can sign them.
    BindDigest: bool
    /// `Expect: 100-continue` from this number of bytes up; `None` for never.
    ExpectContinueFrom: int64 option
    /// The largest artifact, in bytes.
    MaxObjectBytes: int64
    /// Where artifacts are kept that failed for a temporary reason; `None` to keep none.
    Spool: SpoolSettings option
}

/// What became of one S3 target of a spec.
type TargetReport = {
    /// The target's name.
    Name: TargetName
    /// Each setting as it holds and where it came from; without secrets.
    Values: EffectiveValue list
    /// When its presigned URL expires (of several, the first), if it says so.
    ExpiresAt: DateTimeOffset option
    /// `None` if there are problems with it.
    Settings: TargetSettings option
}

/// What became of a spec and an environment. It holds no secret outside `TargetSettings.Url` and `Proxies`.
type Resolution = {
    /// The S3 targets, in the order of the spec.
    Targets: TargetReport list
    /// Targets of kinds `local` and `http` in the order of the spec, and the default sink last; empty for a program that serves
    /// S3 targets alone.
    Plain: PlainReport list
    /// Targets of other kinds, which this library leaves alone.
    Others: OtherTarget list
    /// Settings that all targets share.
    Globals: EffectiveValue list
    /// The path of a PEM file with authorities to trust besides the system's.
    CaBundle: string option
    /// What all targets share, since they share their connections.
    ConnectTimeout: TimeSpan
    /// Through which proxies the targets are reached. It holds their credentials.
    Proxies: ProxyRules
    /// Whether warnings are refused (`CELLOS_STRICT_CONFIG`).
    Strict: bool
    /// The variables in whose place a host's configuration gives a value, with its keys.
    SpecKeys: Map<string, string>
    /// What was noticed, in the order of the targets.
    Findings: Finding list
    /// Why it cannot be used, apart from strictness.
    Problems: ConfigProblem list
}

/// What resolution needs besides the spec.
type SettingsContext = {
    /// The value of an environment variable, if it is set.
    Lookup: string -> string option
    /// The names of all variables, to find misspelt ones; may be empty.
    Names: string list
    /// Expiry is counted from here.
    Now: DateTimeOffset
    /// The cell, where it is known already.
    CellId: CellId option
    /// Whether the program has a source of URLs of its own, for the targets that the environment gives none.
    HasProvider: bool
}
