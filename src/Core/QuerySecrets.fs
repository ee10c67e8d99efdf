namespace CellOS.Export.S3.Core

open System

/// The secrets of a URL: the values of all parameters of its query that are not known to be harmless, since a gateway
/// may take its token under any name, the parts of compound values, and the tokens in the path.
[<RequireQualifiedAccess>]
module internal QuerySecrets =

    /// Parameters that are not secret, and that help the reader of a redacted URL.
    let private harmless = [|
        "x-amz-algorithm"
        "x-amz-date"
        "x-amz-expires"
        "x-amz-signedheaders"
        "x-amz-content-sha256"
        "expires"
        "x-id"
        "partnumber"
        "x-goog-algorithm"
        "x-goog-date"
        "x-goog-expires"
        "x-goog-signedheaders"
        "x-oss-signature-version"
        "x-oss-date"
        "x-oss-expires"
        "q-sign-algorithm"
        "q-sign-time"
        "q-key-time"
        "q-header-list"
        "x-oss-additional-headers"
        "temp_url_expires"
        "st"
        "se"
        "x-amz-sdk-checksum-algorithm"
        "x-amz-checksum-algorithm"
        "x-amz-checksum-sha256"
        "x-amz-checksum-sha1"
        "x-amz-checksum-crc64nvme"
        "x-amz-checksum-crc32c"
        "x-amz-checksum-crc32"
    |]

    let private plain (text: string) = Unescape.plain (Unescape.see text)

    /// True if a value is Base64 of this number of octets.
    let private isDigest (size: int) (value: string) =
        let octets = Array.zeroCreate<byte> 33

        match Convert.TryFromBase64String(value, octets) with
        | true, count -> count = size
        | _ -> false

    /// The form of the value of a harmless parameter: a gateway may take its token under the same name (nginx has `st`).
    let private hasForm (name: string) (value: string) =
        // What ends a sentence, in a text.
        let value = value.TrimEnd([| ')'; ']'; ','; '.'; '"'; '\'' |])

        let isOf (characters: string) =
            value.AsSpan().IndexOfAnyExcept characters < 0

        let letters = "abcdefghijklmnopqrstuvwxyz"

        match name with
        | "x-amz-content-sha256" ->
            value = "UNSIGNED-PAYLOAD"
            || value.Length = 64 && value |> Seq.forall Char.IsAsciiHexDigit
        | "x-amz-signedheaders"
        | "x-goog-signedheaders"
        | "x-oss-additional-headers"
        | "q-header-list" ->
            let value = value.ToLowerInvariant()

            value.Split(';') |> Array.contains "host"
            || value.StartsWith("x-amz-", StringComparison.Ordinal)
        | "x-amz-checksum-sha256" -> isDigest 32 value
        | "x-amz-checksum-sha1" -> isDigest 20 value
        | "x-amz-checksum-crc64nvme" -> isDigest 8 value
        | "x-amz-checksum-crc32c"
        | "x-amz-checksum-crc32" -> isDigest 4 value
        | "x-id" -> value.Length <= 40 && isOf (letters + letters.ToUpperInvariant())
        | "x-amz-algorithm"
        | "x-amz-sdk-checksum-algorithm"
        | "x-amz-checksum-algorithm"
        | "x-goog-algorithm"
        | "x-oss-signature-version"
        | "q-sign-algorithm" ->
            value.Length <= 24
            && isOf (letters + letters.ToUpperInvariant() + "0123456789-")
        // Times and spans of time.
        | _ -> value.Length <= 32 && isOf "0123456789TZ:.;+-"

    let private isDigestName (name: string) =
        name.StartsWith("x-amz-checksum-", StringComparison.Ordinal)

    /// True if a parameter may be shown: its name is known, and its value has the form that goes with the name. Neither
    /// has escapes.
    let isHarmless (name: string) (value: string) : bool =
        let name = name.ToLowerInvariant()

        Array.contains name harmless
        && (isDigestName name || value.AsSpan().IndexOfAny("=?/@&") < 0)
        && hasForm name value

    /// True if a parameter has no value: what stands there is a value without a name, and `=` may be its padding.
    let isBare (text: string) (parameter: QueryParameter) : bool =
        (QueryParameter.value text parameter).Trim('=').IsEmpty

    /// True if the parameter of a query may be shown.
    let isHarmlessAt (text: string) (parameter: QueryParameter) : bool =
        isHarmless
            (plain ((QueryParameter.name text parameter).ToString()))
            (plain ((QueryParameter.value text parameter).ToString()))

    /// What stands in the value of a parameter besides the value itself. Of a credential (`X-Amz-Credential`,
    /// `X-Goog-Credential`, `x-oss-credential`), only the access key id at its head: the rest is its scope.
    let private partsOf (name: string) (value: string) =
        let value = plain value

        match value.IndexOf '/' with
        | at when
            at > 0
            && (plain name).Contains("credential", StringComparison.OrdinalIgnoreCase)
            ->
            let keyId = value.Substring(0, at)
            keyId :: SecretParts.ofValue keyId
        | _ -> SecretParts.ofValue value

    /// The secrets of the query that begins at `first` and ends with the text, as they are written there; and the parts
    /// of compound values. A parameter without a value is a value without a name.
    let ofQuery (text: string) (first: int) : string list = [
        let mutable next = first

        while next < text.Length do
            let parameter = QueryParameter.at text next
            next <- parameter.Stop + 1

            if parameter.First < parameter.Stop && not (isHarmlessAt text parameter) then
                let name = (QueryParameter.name text parameter).ToString()

                if isBare text parameter then
                    name
                    yield! partsOf "" name
                else
                    let value = (QueryParameter.value text parameter).ToString()
                    value
                    yield! partsOf name value
    ]

    /// The token of an Oracle pre-authenticated request (`/p/<token>/n/<namespace>/b/<bucket>/o/<object>`) in a text
    /// without escapes, if such a path begins with the slash at `at`: its first position, and the one after its last.
    /// (0, 0) for none.
    let tokenAt (text: Unescape.Seen[]) (at: int) : struct (int * int) =
        let isAt i (c: char) =
            i < text.Length && Char.ToLowerInvariant text[i].Char = c

        /// Where the segment behind `/<name>/` ends, if that is at `i`; -1 if not.
        let segmentAfter (name: char) i =
            if i >= 0 && isAt i '/' && isAt (i + 1) name && isAt (i + 2) '/' then
                let mutable stop = i + 3

                while stop < text.Length
                      && text[stop].Char <> '/'
                      && text[stop].Char <> '?'
                      && not (Char.IsWhiteSpace text[stop].Char) do
                    stop <- stop + 1

                if stop > i + 3 then stop else -1
            else
                -1

        let stop = segmentAfter 'p' at

        if segmentAfter 'b' (segmentAfter 'n' stop) > 0 then
            struct (at + 3, stop)
        else
            struct (0, 0)

    /// The original range of the token in a path. (0, 0) for none.
    let tokenOfPath (path: string) : struct (int * int) =
        if path.Contains '%' || path.Contains("/p/", StringComparison.OrdinalIgnoreCase) then
            let seen = Unescape.see path
            let mutable found = struct (0, 0)
            let mutable i = 0

            while i < seen.Length && found = struct (0, 0) do
                if seen[i].Char = '/' then
                    match tokenAt seen i with
                    | struct (_, 0) -> ()
                    | struct (first, stop) -> found <- struct (seen[first].From, seen[stop - 1].Next)

                i <- i + 1

            found
        else
            struct (0, 0)
