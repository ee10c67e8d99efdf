namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// How a presigned URL is signed. Holds nothing of the signature or the credential themselves.
[<RequireQualifiedAccess>]
type UrlSignature =
    /// No signature that this library knows.
    | Unsigned
    /// AWS Signature Version 4 in the query.
    | V4
    /// AWS Signature Version 2 in the query. It signs `Content-Type`, so none is sent unless asked for.
    | V2

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
    /// Whether it was signed with temporary credentials.
    HasSecurityToken: bool
    /// The name of a checksum of no bytes at all, in lower case.
    EmptyChecksum: string option
    /// What a PUT with this query does, if that is no upload of a whole object.
    OtherOperation: string option
    /// Prepared for the search when they are first needed.
    Secrets: Lazy<Secrets>
}

/// Rules that this module keeps (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"):
/// - it reads, it judges nothing: junk in a parameter is the same as its absence;
/// - names of parameters match without regard to case, percent-encoded or not; the first of several counts.
[<RequireQualifiedAccess>]
module internal SignedQuery =

    /// How far the clock of S3 and that of this host may be apart: 15 minutes.
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

    /// The number that some digits make; -1 if there is anything else.
    let private digits (text: ReadOnlySpan<char>) =
        let mutable number = 0
        let mutable i = 0

        while number >= 0 && i < text.Length do
            number <- if Char.IsAsciiDigit text[i] then number * 10 + int text[i] - int '0' else -1

            i <- i + 1

        number

    /// `20260301T120000Z`. By hand, since .NET takes longer to read a format than all the rest of a URL takes.
    let private instant (value: ReadOnlySpan<char>) =
        if value.Length <> 16 || value[8] <> 'T' || value[15] <> 'Z' then
            ValueNone
        else
            let year = digits (value.Slice(0, 4))
            let month = digits (value.Slice(4, 2))
            let day = digits (value.Slice(6, 2))
            let hour = digits (value.Slice(9, 2))
            let minute = digits (value.Slice(11, 2))
            let second = digits (value.Slice(13, 2))

            if
                year >= 1
                && (month >= 1 && month <= 12)
                && (day >= 1 && day <= DateTime.DaysInMonth(year, month))
                && (hour >= 0 && hour <= 23)
                && (minute >= 0 && minute <= 59)
                && (second >= 0 && second <= 59)
            then
                ValueSome(DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero))
            else
                ValueNone

    let private wholeNumber (value: ReadOnlySpan<char>) =
        match Int64.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture) with
        // .NET takes NUL characters at the end.
        | true, number when value[value.Length - 1] <> '\000' -> ValueSome number
        | _ -> ValueNone

    let private expiryV2 (expires: ReadOnlySpan<char>) =
        match wholeNumber expires with
        | ValueSome seconds when seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() ->
            ValueSome(DateTimeOffset.FromUnixTimeSeconds seconds)
        | _ -> ValueNone

    let private expiryV4 (signedAt: DateTimeOffset voption) (seconds: ReadOnlySpan<char>) =
        match signedAt, wholeNumber seconds with
        | ValueSome at, ValueSome seconds when
            seconds <= MaxExpiresSeconds
            && at.UtcTicks
               <= DateTimeOffset.MaxValue.UtcTicks - seconds * TimeSpan.TicksPerSecond
            ->
            ValueSome(at.AddTicks(seconds * TimeSpan.TicksPerSecond))
        | _ -> ValueNone

    let private onlyHost = [ "host" ]

    let private headers (names: ReadOnlySpan<char>) =
        if names.SequenceEqual "host" then
            onlyHost
        else
            let names =
                names
                    .ToString()
                    .Split(';', StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries)

            [ for name in names -> name.ToLowerInvariant() ]

    /// Parameters that make a PUT of an object another operation (Amazon S3 API Reference, "UploadPart",
    /// "PutObjectAcl", "PutObjectTagging", "PutObjectRetention", "PutObjectLegalHold", "RenameObject"), and what it is
    /// then. A copy's source is a header, which a presigner may have put there.
    let private operations = [|
        struct ("uploadId", "one part of an upload")
        struct ("partNumber", "one part of an upload")
        struct ("acl", "the access rights of an object")
        struct ("tagging", "the tags of an object")
        struct ("retention", "the lock on an object")
        struct ("legal-hold", "the lock on an object")
        struct ("renameObject", "the renaming of an object")
        struct ("x-amz-copy-source", "the copy of an object")
    |]

    let private operation (name: ReadOnlySpan<char>) =
        let mutable found = None
        let mutable i = 0

        while i < operations.Length && found.IsNone do
            let struct (parameter, operation) = operations[i]

            if QueryParameter.isNamed parameter name then
                found <- Some operation

            i <- i + 1

        found

    /// The checksums of no bytes, as S3 writes them (Amazon S3 User Guide, "Checking object integrity"). The name is
    /// in lower case.
    let private isEmptyChecksum (name: string) (value: string) =
        match name with
        | "x-amz-checksum-crc32"
        | "x-amz-checksum-crc32c" -> value = "AAAAAA=="
        | "x-amz-checksum-crc64nvme" -> value = "AAAAAAAAAAA="
        | "x-amz-checksum-sha1" -> value = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
        | "x-amz-checksum-sha256" -> value = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        | _ -> false

    /// The value is decoded where the name says that it is worth it.
    let private emptyChecksum (name: ReadOnlySpan<char>) (value: ReadOnlySpan<char>) =
        if name.StartsWith("x-amz-checksum-", StringComparison.OrdinalIgnoreCase) then
            let name = name.ToString().ToLowerInvariant()

            if isEmptyChecksum name ((decoded value).ToString()) then Some name else None
        else
            None

    let private valueAt (text: string) (first: int) : ReadOnlySpan<char> =
        decoded (QueryParameter.value text (QueryParameter.at text first))

    /// Reads the query that begins at `first` and ends with the text.
    let read (text: string) (first: int) : SignedQuery =
        // Where the first parameter of each name begins; -1: there is none.
        let mutable date = -1
        let mutable lifetime = -1
        let mutable expires = -1
        let mutable signature = -1
        let mutable signatureV2 = -1
        let mutable key = -1
        let mutable signed = -1
        let mutable hasToken = false
        let mutable checksum = None
        let mutable otherOperation = None
        let mutable next = first

        while next < text.Length do
            let at = next
            let parameter = QueryParameter.at text at
            let name = decoded (QueryParameter.name text parameter)
            next <- parameter.Stop + 1

            if QueryParameter.isNamed "X-Amz-Date" name then
                date <- if date < 0 then at else date
            elif QueryParameter.isNamed "X-Amz-Expires" name then
                lifetime <- if lifetime < 0 then at else lifetime
            elif QueryParameter.isNamed "X-Amz-SignedHeaders" name then
                signed <- if signed < 0 then at else signed
            elif QueryParameter.isNamed "X-Amz-Signature" name then
                signature <- at
            elif QueryParameter.isNamed "Signature" name then
                signatureV2 <- at
            elif QueryParameter.isNamed "AWSAccessKeyId" name then
                key <- at
            elif QueryParameter.isNamed "Expires" name then
                expires <- if expires < 0 then at else expires
            elif QueryParameter.isNamed "X-Amz-Security-Token" name then
                hasToken <- true
            else
                if otherOperation.IsNone then
                    otherOperation <- operation name

                if checksum.IsNone then
                    checksum <- emptyChecksum name (QueryParameter.value text parameter)

        let kind =
            if signature >= 0 then UrlSignature.V4
            elif signatureV2 >= 0 && key >= 0 then UrlSignature.V2
            else UrlSignature.Unsigned

        let signedAt = if date < 0 then ValueNone else instant (valueAt text date)

        let expiresAt =
            match kind with
            | UrlSignature.V2 when expires < 0 -> ValueNone
            | UrlSignature.V2 -> expiryV2 (valueAt text expires)
            | _ when lifetime < 0 -> ValueNone
            | _ -> expiryV4 signedAt (valueAt text lifetime)

        {
            Signature = kind
            SignedAt = signedAt
            ExpiresAt = expiresAt
            UsableUntil =
                match expiresAt with
                | ValueSome at -> ValueSome(Instant.plus allowedSkew at)
                | ValueNone -> ValueNone
            SignedHeaders = if signed < 0 then [] else headers (valueAt text signed)
            HasSecurityToken = hasToken
            EmptyChecksum = checksum
            OtherOperation = otherOperation
            Secrets = lazy Secrets.create (QuerySecrets.ofQuery text first)
        }
