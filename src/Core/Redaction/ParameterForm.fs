namespace CellOS.Export.S3.Core

open System

/// The forms of the values of parameters that are not secret. A gateway may take its token under the same name (nginx has
/// `st`), and then the value has another form.
[<RequireQualifiedAccess>]
module internal ParameterForm =

    /// True if a value is Base64 of this number of octets.
    let private isDigest (size: int) (value: string) =
        let octets = Array.zeroCreate<byte> 33

        match Convert.TryFromBase64String(value, octets) with
        | true, count -> count = size
        | _ -> false

    /// The most characters of the name of a header that may be shown.
    [<Literal>]
    let private LongestHeaderName = 64

    /// True if a text may be shown as the name of a header: a token of RFC 9110, 5.6.2, that does not look random.
    let isHeaderName (name: string) : bool =
        name <> ""
        && name.Length <= LongestHeaderName
        && name
           |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "!#$%&'*+-.^_`|~".Contains c)
        && not (PathTokens.looksRandom name)

    /// The most letters and digits in a row in the name of an algorithm: `CRC64NVME`.
    [<Literal>]
    let private LongestAlgorithmWord = 9

    /// True for a version of Azure's API, which is a day: `2022-11-02`.
    let private isDay (value: string) =
        value.Length = 10
        && Seq.forall2 (fun c mark -> if mark = '-' then c = '-' else Char.IsAsciiDigit c) value "0000-00-00"

    let private areDigits (text: ReadOnlySpan<char>) =
        text.IndexOfAnyExceptInRange('0', '9') < 0

    /// True for a day or a time of ISO 8601, for seconds or milliseconds since 1970, and for a span of seconds.
    let private isTime (value: string) =
        if areDigits (value.AsSpan()) then
            value.Length <= 8 || value.Length = 10 || value.Length = 13
        else
            let day = value.AsSpan(0, max 0 (value.IndexOf 'T'))
            let time = value.AsSpan(day.Length)

            let stop =
                match time.IndexOfAny ".Z+-" with
                | -1 -> time.Length
                | stop -> stop

            isDay value
            || (day.Length = 8 && areDigits day || isDay (day.ToString()))
               && value.StartsWith "20"
               && stop <= 9
               && time.Slice(1).IndexOfAnyExcept("0123456789:.Z+-") < 0
               && time.Length - stop <= 14

    /// What the names of operations begin with.
    let private verbs = [|
        "Put"
        "Get"
        "Head"
        "Delete"
        "List"
        "Upload"
        "Create"
        "Complete"
        "Abort"
        "Copy"
        "Post"
        "Restore"
        "Select"
    |]

    /// True for the name of an operation: `PutObject`.
    let private isOperation (value: string) =
        value.Length <= 32
        && String.forall Char.IsAsciiLetter value
        && verbs
           |> Array.exists (fun verb ->
               value.StartsWith(verb, StringComparison.Ordinal)
               && (value.Length = verb.Length || Char.IsAsciiLetterUpper value[verb.Length]))

    /// True if the value of a harmless parameter has the form that goes with its name, which is in lower case.
    let has (name: string) (value: string) =
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
            let names = value.ToLowerInvariant().Split(';')

            (Array.contains "host" names
             || names[0].StartsWith("x-amz-", StringComparison.Ordinal))
            && Array.forall isHeaderName names
        | "x-amz-checksum-sha256" -> isDigest 32 value
        | "x-amz-checksum-sha1" -> isDigest 20 value
        | "x-amz-checksum-crc64nvme" -> isDigest 8 value
        | "x-amz-checksum-crc32c"
        | "x-amz-checksum-crc32" -> isDigest 4 value
        | "sv" -> isDay value
        | "x-id" -> isOperation value
        | "x-amz-algorithm"
        | "x-amz-sdk-checksum-algorithm"
        | "x-amz-checksum-algorithm"
        | "x-goog-algorithm"
        | "x-oss-signature-version"
        | "q-sign-algorithm" ->
            value.Length <= 24
            && isOf (letters + letters.ToUpperInvariant() + "0123456789-")
            && value.Split '-'
               |> Array.forall (fun word -> word.Length <= LongestAlgorithmWord)
        // Times and spans of time, a range of two in COS.
        | _ -> value.Split ';' |> Array.forall isTime
