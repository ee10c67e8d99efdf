namespace CellOS.Export.S3.Core

open System

/// A row of the table of environment variables.
type EnvironmentVariable = {
    /// The whole name of a global one; of one per target, what stands before the target's suffix.
    Name: string
    /// Whether the target's suffix follows the name (`TargetName.envSuffix`).
    PerTarget: bool
    /// What it sets, in Markdown.
    Meaning: string
    /// What holds when it is unset or blank, in Markdown.
    Default: string
}

/// The environment variables of this library: the one place where their names, meanings and defaults stand.
/// docs/reference.md is made of this table, and `check` is held against it.
[<RequireQualifiedAccess>]
module Variable =

    /// Every variable that is for S3 targets alone begins with this.
    [<Literal>]
    let Prefix = "CELLOS_EXPORT_S3_"

    /// The presigned URL, or a template.
    [<Literal>]
    let PresignedUrl = "CELLOS_EXPORT_S3_PRESIGNED_URL__"

    /// The manifest: a JSON file with a presigned URL for each artifact.
    [<Literal>]
    let PresignedUrlsFile = "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__"

    /// The URL of a broker, which is asked for the URL of each artifact.
    [<Literal>]
    let BrokerUrl = "CELLOS_EXPORT_S3_BROKER_URL__"

    /// The file with the bearer token of the broker.
    [<Literal>]
    let BrokerTokenFile = "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__"

    /// A program that gives the URL of each artifact, with its arguments.
    [<Literal>]
    let UrlCommand = "CELLOS_EXPORT_S3_URL_COMMAND__"

    /// `1`: the digests of the content go to the source of URLs.
    [<Literal>]
    let BindDigest = "CELLOS_EXPORT_S3_BIND_DIGEST__"

    /// The broker of all targets that have no source of URLs of their own.
    [<Literal>]
    let SharedBrokerUrl = "CELLOS_EXPORT_S3_BROKER_URL"

    /// The file with the bearer token of the broker that targets share.
    [<Literal>]
    let SharedBrokerTokenFile = "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE"

    /// The program of all targets that have no source of URLs of their own.
    [<Literal>]
    let SharedUrlCommand = "CELLOS_EXPORT_S3_URL_COMMAND"

    /// `BindDigest` for all targets that do not set it.
    [<Literal>]
    let SharedBindDigest = "CELLOS_EXPORT_S3_BIND_DIGEST"

    /// Stands in for a missing `PresignedUrl`, with a warning.
    [<Literal>]
    let LegacyUrl = "CELLOS_EXPORT_HTTP_BASE_URL__"

    /// The region of the bucket; overrides the spec's.
    [<Literal>]
    let Region = "CELLOS_EXPORT_S3_REGION__"

    /// All tries, the first included.
    [<Literal>]
    let MaxAttempts = "CELLOS_EXPORT_S3_MAX_ATTEMPTS__"

    /// The wait between attempts, in ms.
    [<Literal>]
    let RetryBackoff = "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__"

    /// `fixed` or `exponential`.
    [<Literal>]
    let RetryMode = "CELLOS_EXPORT_S3_RETRY_MODE__"

    /// The cap for `exponential` and for `Retry-After`, in ms.
    [<Literal>]
    let RetryMaxBackoff = "CELLOS_EXPORT_S3_RETRY_MAX_BACKOFF_MS__"

    /// For all attempts and waits together, in ms.
    [<Literal>]
    let Deadline = "CELLOS_EXPORT_S3_DEADLINE_MS__"

    /// `1`: never overwrite.
    [<Literal>]
    let WriteOnce = "CELLOS_EXPORT_S3_WRITE_ONCE__"

    /// `off`, `verify` or `require`.
    [<Literal>]
    let Integrity = "CELLOS_EXPORT_S3_INTEGRITY__"

    /// `1`: send `Content-MD5`.
    [<Literal>]
    let ContentMd5 = "CELLOS_EXPORT_S3_CONTENT_MD5__"

    /// `1`: accept a success without a mark of a store in response to a presigned URL.
    [<Literal>]
    let AcceptUnmarked = "CELLOS_EXPORT_S3_ACCEPT_UNMARKED__"

    /// `off`: send to presigned URLs whose path is not the artifact's key.
    [<Literal>]
    let KeyCheck = "CELLOS_EXPORT_S3_KEY_CHECK__"

    /// The largest artifact, in bytes.
    [<Literal>]
    let MaxObjectBytes = "CELLOS_EXPORT_S3_MAX_OBJECT_BYTES__"

    /// The request timeout of every attempt, in milliseconds.
    [<Literal>]
    let RequestTimeout = "CELLOS_EXPORT_S3_TIMEOUT_MS"

    /// The connect timeout of every attempt, in milliseconds.
    [<Literal>]
    let ConnectTimeout = "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS"

    /// The longest time in which no byte moves, in ms.
    [<Literal>]
    let StallTimeout = "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS"

    /// `Expect: 100-continue` from this size up, in bytes; `off` for never.
    [<Literal>]
    let ExpectContinueMinBytes = "CELLOS_EXPORT_S3_EXPECT_CONTINUE_MIN_BYTES"

    /// The folder of a target of kind `local`.
    [<Literal>]
    let LocalFolder = "CELLOS_EXPORT_DIR__"

    /// The folder of the default sink, and of targets of kind `local` that have none of their own.
    [<Literal>]
    let SharedLocalFolder = "CELLOS_EXPORT_DIR"

    /// `1`: a local target replaces files with other content.
    [<Literal>]
    let LocalOverwrite = "CELLOS_EXPORT_LOCAL_OVERWRITE__"

    /// `LocalOverwrite` for the default sink, and for targets that do not set it.
    [<Literal>]
    let SharedLocalOverwrite = "CELLOS_EXPORT_LOCAL_OVERWRITE"

    /// What begins the variables of targets of kind `http`, and of the default sink if it is one.
    [<Literal>]
    let HttpPrefix = "CELLOS_EXPORT_HTTP_"

    /// The base URL of the default sink, and of targets of kind `http` that have none of their own. With the suffix of a target:
    /// `LegacyUrl`, which is the same name.
    [<Literal>]
    let SharedHttpUrl = "CELLOS_EXPORT_HTTP_BASE_URL"

    /// The bearer token of an HTTP target.
    [<Literal>]
    let HttpToken = "CELLOS_EXPORT_HTTP_BEARER_TOKEN__"

    /// The bearer token of `SharedHttpUrl`.
    [<Literal>]
    let SharedHttpToken = "CELLOS_EXPORT_HTTP_BEARER_TOKEN"

    /// `1`: the token may go over plain http to another host.
    [<Literal>]
    let HttpPlaintextToken = "CELLOS_EXPORT_HTTP_ALLOW_PLAINTEXT_TOKEN__"

    /// `HttpPlaintextToken` for targets that do not set it.
    [<Literal>]
    let SharedHttpPlaintextToken = "CELLOS_EXPORT_HTTP_ALLOW_PLAINTEXT_TOKEN"

    /// All tries of an HTTP target, the first included.
    [<Literal>]
    let HttpMaxAttempts = "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS__"

    /// `HttpMaxAttempts` for targets that do not set it.
    [<Literal>]
    let SharedHttpMaxAttempts = "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS"

    /// The wait between attempts of an HTTP target, in ms.
    [<Literal>]
    let HttpRetryBackoff = "CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS__"

    /// `HttpRetryBackoff` for targets that do not set it.
    [<Literal>]
    let SharedHttpRetryBackoff = "CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS"

    /// The request timeout of an HTTP target, in ms.
    [<Literal>]
    let HttpRequestTimeout = "CELLOS_EXPORT_HTTP_TIMEOUT_MS__"

    /// `HttpRequestTimeout` for targets that do not set it.
    [<Literal>]
    let SharedHttpRequestTimeout = "CELLOS_EXPORT_HTTP_TIMEOUT_MS"

    /// The connect timeout of an HTTP target, in ms.
    [<Literal>]
    let HttpConnectTimeout = "CELLOS_EXPORT_HTTP_CONNECT_TIMEOUT_MS__"

    /// `HttpConnectTimeout` for targets that do not set it.
    [<Literal>]
    let SharedHttpConnectTimeout = "CELLOS_EXPORT_HTTP_CONNECT_TIMEOUT_MS"

    /// The folder that keeps artifacts of an S3 target that failed for a temporary reason.
    [<Literal>]
    let SpoolDir = "CELLOS_EXPORT_S3_SPOOL_DIR__"

    /// `SpoolDir` for all S3 targets that do not set it.
    [<Literal>]
    let SharedSpoolDir = "CELLOS_EXPORT_S3_SPOOL_DIR"

    /// The most bytes of the spool of an S3 target.
    [<Literal>]
    let SpoolMaxBytes = "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__"

    /// `SpoolMaxBytes` for all S3 targets that do not set it.
    [<Literal>]
    let SharedSpoolMaxBytes = "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES"

    /// The folder that keeps artifacts of an HTTP target that failed for a temporary reason.
    [<Literal>]
    let HttpSpoolDir = "CELLOS_EXPORT_HTTP_SPOOL_DIR__"

    /// `HttpSpoolDir` for the default sink, and for targets that do not set it.
    [<Literal>]
    let SharedHttpSpoolDir = "CELLOS_EXPORT_HTTP_SPOOL_DIR"

    /// The most bytes of the spool of an HTTP target.
    [<Literal>]
    let HttpSpoolMaxBytes = "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES__"

    /// `HttpSpoolMaxBytes` for the default sink, and for targets that do not set it.
    [<Literal>]
    let SharedHttpSpoolMaxBytes = "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES"

    /// A PEM file with authorities to trust besides the system's.
    [<Literal>]
    let CaBundle = "CELLOS_CA_BUNDLE"

    /// The key that seals runs; `push --seal`.
    [<Literal>]
    let SealKey = "CELLOS_EXPORT_SEAL_KEY"

    /// The file with the password of that key; `push --seal-password-file`.
    [<Literal>]
    let SealPasswordFile = "CELLOS_EXPORT_SEAL_PASSWORD_FILE"

    /// `1` turns warnings into a refusal.
    [<Literal>]
    let Strict = "CELLOS_STRICT_CONFIG"

    /// 30 s.
    [<Literal>]
    let DefaultRequestTimeoutMs = 30_000

    /// 10 s.
    [<Literal>]
    let DefaultConnectTimeoutMs = 10_000

    let private row perTarget name meaning whenUnset = {
        Name = name
        PerTarget = perTarget
        Meaning = meaning
        Default = whenUnset
    }

    /// All of them, in the order of the documentation.
    [<CompiledName("All")>]
    let all: EnvironmentVariable list = [
        row
            true
            PresignedUrl
            "presigned PUT URL, or a template"
            "this, one of the next two, or a command is required"
        row true PresignedUrlsFile "JSON file with a presigned URL for each artifact" "none"
        row
            true
            BrokerUrl
            "broker that gives the URL of each artifact: `https://…`, `http://` to this machine, or `unix:/path/to/socket`"
            "none"
        row true BrokerTokenFile "file with the broker's bearer token, read before every request" "none"
        row true UrlCommand "program that gives the URL of each artifact, with arguments; no shell" "none"
        row true BindDigest "`1`: send the digests of the content to the broker or command" "`0`"
        row
            true
            LegacyUrl
            "base URL of a target of kind `http`; of an `s3` target, stands in for a missing PRESIGNED_URL, with a warning"
            "none"
        row true Region "region of the bucket; overrides the spec's" "the spec's"
        row true MaxAttempts "all tries, the first included; 1 or more" "3"
        row true RetryBackoff "wait between attempts, in ms" "500"
        row true RetryMode "`fixed`, or `exponential`: doubling from the backoff, full jitter" "`fixed`"
        row true RetryMaxBackoff "cap for `exponential` and for `Retry-After`, in ms" "20000"
        row true Deadline "for all attempts and waits together, in ms" "none"
        row true WriteOnce "`1`: never overwrite (`If-None-Match: *`)" "`0`"
        row true Integrity "`off`, `verify` or `require`" "`verify`"
        row true ContentMd5 "`1`: send `Content-MD5`" "sent if the URL signs it"
        row
            true
            AcceptUnmarked
            "`1`: accept a success without ETag, checksum, version or request id in response to a presigned URL"
            "`0`"
        row true KeyCheck "`off`: send to presigned URLs whose path is not the artifact's key" "`on`"
        row true MaxObjectBytes "largest artifact, in bytes" "5368709120"
        row true SpoolDir "folder that keeps artifacts whose export failed for a temporary reason" "none"
        row true SpoolMaxBytes "most bytes of that folder" "none"
        row false SharedBrokerUrl "broker of the targets that have no source of URLs of their own" "none"
        row false SharedBrokerTokenFile "file with the bearer token of that broker" "none"
        row false SharedUrlCommand "command of the targets that have no source of URLs of their own" "none"
        row false SharedBindDigest "`BIND_DIGEST` of the targets that do not set it" "`0`"
        row false SharedSpoolDir "`SPOOL_DIR` of the targets that do not set it" "none"
        row false SharedSpoolMaxBytes "`SPOOL_MAX_BYTES` of the targets that do not set it" "none"
        row false RequestTimeout "for one attempt as a whole, in ms" (string DefaultRequestTimeoutMs)
        row false ConnectTimeout "to connect, in ms" (string DefaultConnectTimeoutMs)
        row false StallTimeout "longest time in which no byte moves, in ms" "none"
        row
            false
            ExpectContinueMinBytes
            "`Expect: 100-continue` from this size up, in bytes; `off` for never"
            "1048576"
        row true LocalFolder "export folder of a target of kind `local`" "`CELLOS_EXPORT_DIR`"
        row true LocalOverwrite "`1`: replace files with other content" "`CELLOS_EXPORT_LOCAL_OVERWRITE`"
        row
            true
            HttpToken
            "bearer token of a target of kind `http`"
            "none; `CELLOS_EXPORT_HTTP_BEARER_TOKEN` with the shared base URL"
        row
            true
            HttpPlaintextToken
            "`1`: send the token over plain http to another host"
            "`CELLOS_EXPORT_HTTP_ALLOW_PLAINTEXT_TOKEN`"
        row true HttpMaxAttempts "all tries of an `http` target" "`CELLOS_EXPORT_HTTP_MAX_ATTEMPTS`"
        row
            true
            HttpRetryBackoff
            "wait between attempts of an `http` target, in ms"
            "`CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS`"
        row
            true
            HttpRequestTimeout
            "for one attempt of an `http` target, in ms"
            "`CELLOS_EXPORT_HTTP_TIMEOUT_MS`"
        row
            true
            HttpConnectTimeout
            "to connect to an `http` target, in ms"
            "`CELLOS_EXPORT_HTTP_CONNECT_TIMEOUT_MS`"
        row
            true
            HttpSpoolDir
            "folder that keeps artifacts whose export failed for a temporary reason"
            "`CELLOS_EXPORT_HTTP_SPOOL_DIR`"
        row true HttpSpoolMaxBytes "most bytes of that folder" "`CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES`"
        row
            false
            SharedLocalFolder
            "export folder of the default sink, and of `local` targets without their own"
            "none"
        row false SharedLocalOverwrite "`1`: local sinks replace files with other content" "`0`"
        row
            false
            SharedHttpUrl
            "base URL of the default sink, and of `http` targets without their own; before `CELLOS_EXPORT_DIR`"
            "none"
        row false SharedHttpToken "bearer token for that base URL" "none"
        row false SharedHttpPlaintextToken "`1`: send tokens over plain http to other hosts" "`0`"
        row false SharedHttpMaxAttempts "all tries of HTTP sinks, the first included; 1 or more" "3"
        row false SharedHttpRetryBackoff "wait between attempts of HTTP sinks, in ms" "500"
        row
            false
            SharedHttpRequestTimeout
            "for one attempt of HTTP sinks as a whole, in ms"
            (string DefaultRequestTimeoutMs)
        row false SharedHttpConnectTimeout "for HTTP sinks to connect, in ms" (string DefaultConnectTimeoutMs)
        row
            false
            SharedHttpSpoolDir
            "spool of the default sink, and of `http` targets without their own"
            "none"
        row false SharedHttpSpoolMaxBytes "most bytes of the spools of HTTP sinks" "none"
        row false CaBundle "PEM file with authorities to trust besides the system's" "none"
        row
            false
            SealKey
            "PEM file with the key that seals runs, for `push --seals`; `--seal` overrides it"
            "none"
        row
            false
            SealPasswordFile
            "file with the password of that key; `--seal-password-file` overrides it"
            "none"
        row
            false
            Strict
            "`1`: refuse to start if there is a warning; a word that is not one of the choices counts as `1`"
            "`0`"
    ]

    /// True for the variables of folders and HTTP endpoints, which a program that serves S3 targets alone does not read.
    [<CompiledName("IsOfOtherSink")>]
    let isOfOtherSink (name: string) : bool =
        [ HttpPrefix; "CELLOS_EXPORT_LOCAL_"; SharedLocalFolder ]
        |> List.exists (fun prefix -> name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        && not (name.StartsWith(LegacyUrl, StringComparison.Ordinal))

    /// The whole name for one target.
    [<CompiledName("ForTarget")>]
    let forTarget (target: TargetName) (name: string) = name + TargetName.envSuffix target

    /// The key among the given ones that a misspelt one may stand for: case, hyphens and underscores do not count.
    let internal nearKey (keys: string list) (key: string) : string option =
        let plain (key: string) =
            key.ToUpperInvariant() |> String.filter Char.IsAsciiLetterOrDigit

        let given = plain (Check.shorten 60 key)

        keys
        |> List.map (fun known -> known, EditDistance.between 60 given (plain known))
        |> List.filter (fun (known, distance) -> distance * 2 < max known.Length given.Length)
        |> List.sortBy snd
        |> List.tryHead
        |> Option.map fst

    /// What begins the variable that sets the same as a key, where a variable of one per target does: `maxAttempts`.
    let internal stemOfKey (key: string) : string option =
        let plain (text: string) =
            text.ToUpperInvariant() |> String.filter Char.IsAsciiLetterOrDigit

        let isKey (row: EnvironmentVariable) =
            let name = plain (row.Name.Replace(Prefix, "", StringComparison.Ordinal))
            // The region is a key of the spec as well.
            row.PerTarget
            && row.Name <> Region
            && (name = plain key || name = plain key + "MS")

        all |> List.tryFind isKey |> Option.map _.Name

    /// What the file holds that a variable of this name gives, if it holds credentials.
    [<CompiledName("CredentialFile")>]
    let credentialFile (name: string) : string option =
        let isOf (variable: string) =
            name.StartsWith(variable, StringComparison.Ordinal)

        if isOf PresignedUrlsFile then Some "a manifest of presigned URLs"
        elif isOf SharedBrokerTokenFile then Some "the token of a broker"
        elif name = SealKey then Some "the key of the seals"
        elif name = SealPasswordFile then Some "the password of the key of the seals"
        else None

    /// The names that a process with these targets reads.
    let internal known (targets: TargetName list) : string list = [
        for row in all do
            if row.PerTarget then
                for target in targets do
                    forTarget target row.Name
            else
                row.Name
    ]
