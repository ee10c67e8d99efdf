namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Globalization

/// The scheme by which a URL is signed. Holds nothing of the signature or the credential themselves.
[<RequireQualifiedAccess>]
type UrlSignature =
    /// No signature that this library knows: a gateway that authorizes in its own way.
    | Unsigned
    /// AWS Signature Version 4 in the query.
    | V4
    /// AWS Signature Version 2 in the query. It signs `Content-Type`, so none is sent unless asked for.
    | V2
    /// Google Cloud Storage, V4 signing process (`X-Goog-Signature`).
    | Google4
    /// Google Cloud Storage, V2 signing process (`GoogleAccessId`).
    | Google2
    /// Alibaba OSS, signature version 4 (`x-oss-signature`).
    | Oss4
    /// Alibaba OSS, signature version 1 (`OSSAccessKeyId`).
    | Oss
    /// Tencent COS (`q-signature`).
    | Cos
    /// Huawei OBS (`AccessKeyId` and `Signature`).
    | Obs
    /// Azure Storage, shared access signature (`sig`).
    | AzureSas
    /// OpenStack Swift, temporary URL (`temp_url_sig`).
    | SwiftTempUrl
    /// Oracle Object Storage, pre-authenticated request: a token in the path.
    | OraclePar
    /// A signature that is incomplete or mangled, or of a scheme that this library does not know.
    | Unknown

    /// The name of the scheme. (The one that F# generates needs reflection, which the native tool does not have.)
    override this.ToString() =
        match this with
        | Unsigned -> "Unsigned"
        | V4 -> "V4"
        | V2 -> "V2"
        | Google4 -> "Google4"
        | Google2 -> "Google2"
        | Oss4 -> "Oss4"
        | Oss -> "Oss"
        | Cos -> "Cos"
        | Obs -> "Obs"
        | AzureSas -> "AzureSas"
        | SwiftTempUrl -> "SwiftTempUrl"
        | OraclePar -> "OraclePar"
        | Unknown -> "Unknown"

/// What the query of a URL says that a push has to know at each attempt, and where its secrets stand. It is read once,
/// when the URL is made, and kept with it: URLs that are rendered from one template mostly have one query.
[<NoEquality; NoComparison>]
type internal SignedQuery = {
    Signature: UrlSignature
    SignedAt: DateTimeOffset voption
    ExpiresAt: DateTimeOffset voption
    /// The last moment at which a request may begin: the expiry and the skew that is allowed for.
    UsableUntil: DateTimeOffset voption
    /// In lower case, as they are listed.
    SignedHeaders: string list
    /// True if it was signed with temporary credentials.
    HasSecurityToken: bool
    /// True if the signature is for one object, not for a container or a prefix.
    CoversOneObject: bool
    /// The checksums that parameters fix, each with the name of its parameter in lower case.
    Checksums: (string * Digest) list
    /// The operation of a PUT with this query, if that is not an upload of a whole object.
    OtherOperation: string option
    /// Prepared for the search when they are first needed.
    Secrets: Lazy<Secrets>
}

/// Rules that this module keeps (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"; Google Cloud
/// Storage, "Signed URLs"; Azure Storage, "Create a service SAS"; Alibaba OSS and Tencent COS, signatures in URLs;
/// OpenStack Swift, "TempURL"; Oracle Object Storage, "Pre-Authenticated Requests"):
/// - it reads, it judges nothing: junk in a parameter is the same as its absence;
/// - names of parameters match without regard to case, percent-encoded or not; the first of several counts.
[<RequireQualifiedAccess>]
module internal SignedQuery =

    /// How far the clock of S3 and that of this machine may be apart: 15 minutes.
    let allowedSkew = TimeSpan.FromMinutes 15.

    [<Literal>]
    let MaxExpiresSeconds = 604800L

    [<Literal>]
    let ContentMd5 = "content-md5"

    /// Whether the signature covers the header of this name (in lower case).
    let signs (header: string) (query: SignedQuery) : bool =
        let rec among (names: string list) =
            match names with
            | [] -> false
            | name :: others -> String.Equals(name, header, StringComparison.Ordinal) || among others

        among query.SignedHeaders

    /// A name or a value, percent-decoded.
    let private decoded (text: ReadOnlySpan<char>) : ReadOnlySpan<char> =
        if text.Contains '%' then (Uri.UnescapeDataString text).AsSpan() else text

    /// The value of the first parameter of this name, percent-decoded.
    let find (name: string) (text: string) (first: int) : string option =
        let rec from next =
            if next >= text.Length then
                None
            else
                let parameter = QueryParameter.at text next

                if
                    parameter.First < parameter.Stop
                    && QueryParameter.isNamed name (decoded (QueryParameter.name text parameter))
                then
                    Some((decoded (QueryParameter.value text parameter)).ToString())
                else
                    from (parameter.Stop + 1)

        from first

    /// `20260301T120000Z`.
    let private basicTime (value: string) =
        match
            DateTimeOffset.TryParseExact(
                value,
                "yyyyMMdd'T'HHmmss'Z'",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal
            )
        with
        | true, at -> ValueSome at
        | _ -> ValueNone

    let private wholeNumber (value: string) =
        match Int64.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture) with
        // .NET accepts NUL characters at the end.
        | true, number when not (value.EndsWith '\000') -> ValueSome number
        | _ -> ValueNone

    /// Seconds since 1970-01-01.
    let private unixTime (value: string) =
        match wholeNumber value with
        | ValueSome seconds when seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() ->
            ValueSome(DateTimeOffset.FromUnixTimeSeconds seconds)
        | _ -> ValueNone

    let private isoFormats = [| "yyyy-MM-dd"; "yyyy-MM-dd'T'HH:mmK"; "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK" |]

    /// ISO 8601 as Azure accepts it: a date, or a date and a time with or without seconds.
    let private isoTime (value: string) =
        match
            DateTimeOffset.TryParseExact(
                value,
                isoFormats,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal ||| DateTimeStyles.AdjustToUniversal
            )
        with
        | true, at -> ValueSome at
        | _ -> ValueNone

    /// The end of a lifetime in seconds, which is a week at most.
    let private lifetimeEnd (signedAt: DateTimeOffset voption) (seconds: string) =
        match signedAt, wholeNumber seconds with
        | ValueSome at, ValueSome seconds when
            seconds <= MaxExpiresSeconds
            && at.UtcTicks
               <= DateTimeOffset.MaxValue.UtcTicks - seconds * TimeSpan.TicksPerSecond
            ->
            ValueSome(at.AddTicks(seconds * TimeSpan.TicksPerSecond))
        | _ -> ValueNone

    let private onlyHost = [ "host" ]

    let private headers (names: string) =
        if names = "host" then
            onlyHost
        else
            let names =
                names.Split(';', StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries)

            [ for name in names -> name.ToLowerInvariant() ]

    /// True if the name of a parameter is a trace of a signature, however it was mangled: a URL that lost its signature on
    /// the way here is not a gateway's.
    let private isTrace (name: string) =
        let letters = String.filter Char.IsAsciiLetterOrDigit (name.ToLowerInvariant())

        letters.Contains("signature", StringComparison.Ordinal)
        || letters.Contains("credential", StringComparison.Ordinal)
        || letters.Contains("accesskey", StringComparison.Ordinal)
        || letters.Contains("xamzalgorithm", StringComparison.Ordinal)
        || letters.Contains("xamzsecuritytoken", StringComparison.Ordinal)
        || letters.Contains("xamzsignedheaders", StringComparison.Ordinal)
        || letters.Contains("xamzexpires", StringComparison.Ordinal)
        || letters.Contains("xamzdate", StringComparison.Ordinal)
        || letters.Contains("xgoogalgorithm", StringComparison.Ordinal)
        || letters.Contains("googleaccessid", StringComparison.Ordinal)
        || letters.Contains("qsignalgorithm", StringComparison.Ordinal)

    /// True if the path has the token of a pre-authenticated request, as `QuerySecrets` masks it.
    let private isPreAuthenticated (path: string) =
        let struct (_, stop) = QuerySecrets.tokenOfPath path
        stop > 0

    /// The scheme, told by the parameters that no other scheme has.
    let private schemeOf (names: string seq) (has: string -> bool) (path: string) =
        if has "X-Amz-Signature" then UrlSignature.V4
        elif has "X-Goog-Signature" then UrlSignature.Google4
        elif has "x-oss-signature" then UrlSignature.Oss4
        elif has "q-signature" then UrlSignature.Cos
        elif has "temp_url_sig" then UrlSignature.SwiftTempUrl
        elif has "sig" && has "sv" then UrlSignature.AzureSas
        elif has "Signature" && has "AWSAccessKeyId" then UrlSignature.V2
        elif has "Signature" && has "GoogleAccessId" then UrlSignature.Google2
        elif has "Signature" && has "OSSAccessKeyId" then UrlSignature.Oss
        elif has "Signature" && has "AccessKeyId" then UrlSignature.Obs
        elif isPreAuthenticated path then UrlSignature.OraclePar
        elif Seq.exists isTrace names then UrlSignature.Unknown
        else UrlSignature.Unsigned

    /// When it was signed, or when it begins to be valid.
    let private signedAt (scheme: UrlSignature) (value: string -> string) =
        match scheme with
        | UrlSignature.Google4 -> basicTime (value "X-Goog-Date")
        | UrlSignature.Oss4 -> basicTime (value "x-oss-date")
        | UrlSignature.Cos -> unixTime ((value "q-sign-time").Split(';')[0])
        | UrlSignature.AzureSas -> isoTime (value "st")
        | _ -> basicTime (value "X-Amz-Date")

    let private expiresAt
        (scheme: UrlSignature)
        (signedAt: DateTimeOffset voption)
        (value: string -> string)
        =
        match scheme with
        | UrlSignature.V4
        | UrlSignature.Unsigned -> lifetimeEnd signedAt (value "X-Amz-Expires")
        | UrlSignature.Unknown ->
            match lifetimeEnd signedAt (value "X-Amz-Expires") with
            | ValueNone -> unixTime (value "Expires")
            | at -> at
        | UrlSignature.Google4 -> lifetimeEnd signedAt (value "X-Goog-Expires")
        | UrlSignature.Oss4 -> lifetimeEnd signedAt (value "x-oss-expires")
        | UrlSignature.V2
        | UrlSignature.Google2
        | UrlSignature.Oss
        | UrlSignature.Obs -> unixTime (value "Expires")
        | UrlSignature.Cos ->
            match (value "q-sign-time").Split ';' with
            | [| _; last |] -> unixTime last
            | _ -> ValueNone
        | UrlSignature.AzureSas -> isoTime (value "se")
        | UrlSignature.SwiftTempUrl ->
            match unixTime (value "temp_url_expires") with
            | ValueNone -> isoTime (value "temp_url_expires")
            | at -> at
        | UrlSignature.OraclePar -> ValueNone

    let private signedHeaders (scheme: UrlSignature) (value: string -> string) =
        match scheme with
        | UrlSignature.Google4 -> headers (value "X-Goog-SignedHeaders")
        | UrlSignature.Oss4 -> headers (value "x-oss-additional-headers")
        | UrlSignature.Cos -> headers (value "q-header-list")
        | _ -> headers (value "X-Amz-SignedHeaders")

    /// Azure signs a blob (`sr=b`) or a whole container, Swift an object or a prefix; a PAR may be for a whole bucket.
    let private coversOneObject (scheme: UrlSignature) (has: string -> bool) (value: string -> string) =
        match scheme with
        | UrlSignature.Unsigned
        | UrlSignature.OraclePar -> false
        | UrlSignature.AzureSas -> (value "sr").Equals("b", StringComparison.OrdinalIgnoreCase)
        | UrlSignature.SwiftTempUrl -> not (has "temp_url_prefix")
        | _ -> true

    /// The name of a checksum of no bytes at all, in lower case.
    let emptyChecksum (query: SignedQuery) : string option =
        query.Checksums |> List.tryFind (snd >> Digest.isOfNothing) |> Option.map fst

    /// Reads the query that begins at `first` and ends with the text; the path begins at `pathFirst`.
    let read (text: string) (pathFirst: int) (first: int) : SignedQuery =
        // Where the first parameter of each name begins.
        let firsts = Dictionary<string, int>(StringComparer.OrdinalIgnoreCase)
        let mutable next = first

        while next < text.Length do
            let parameter = QueryParameter.at text next

            if parameter.First < parameter.Stop then
                firsts.TryAdd((decoded (QueryParameter.name text parameter)).ToString(), next)
                |> ignore

            next <- parameter.Stop + 1

        let has (name: string) = firsts.ContainsKey name

        /// Empty where there is no such parameter, or no value.
        let value (name: string) =
            match firsts.TryGetValue name with
            | true, at -> (decoded (QueryParameter.value text (QueryParameter.at text at))).ToString()
            | _ -> ""

        let scheme = schemeOf firsts.Keys has (text.Substring(pathFirst, first - pathFirst))
        let signed = signedAt scheme value
        let expires = expiresAt scheme signed value

        {
            Signature = scheme
            SignedAt = signed
            ExpiresAt = expires
            UsableUntil =
                match expires with
                | ValueSome at -> ValueSome(Instant.plus allowedSkew at)
                | ValueNone -> ValueNone
            SignedHeaders = signedHeaders scheme value
            HasSecurityToken =
                has "X-Amz-Security-Token"
                || has "x-oss-security-token"
                || has "security-token"
                || has "x-cos-security-token"
            CoversOneObject = coversOneObject scheme has value
            Checksums = [
                for name in firsts.Keys do
                    let name = name.ToLowerInvariant()

                    match
                        DigestAlgorithm.ofAmzHeader name
                        |> Option.bind (fun algorithm -> Digest.tryParse algorithm (value name))
                    with
                    | Some digest -> name, digest
                    | None -> ()
            ]
            OtherOperation = Operation.other firsts.Keys has value
            Secrets = lazy Secrets.create (QuerySecrets.ofQuery text first)
        }
