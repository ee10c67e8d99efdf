namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Text

/// Keeps the credentials of a presigned URL out of everything that people or machines read.
///
/// Rules that this module keeps:
/// - the signature is the credential: no value of a secret query parameter, no user info, survives;
/// - names match without regard to case, and however often they are percent-encoded (a URL inside a URL) or
///   escaped as in a JSON string;
/// - in doubt it takes away too much rather than too little.
[<RequireQualifiedAccess>]
module Redaction =

    /// What stands in place of a secret.
    [<Literal>]
    let Mask = "REDACTED"

    /// Query parameters and elements of S3's error document whose value is a credential, or is made from one.
    let private secretNames = [|
        "X-Amz-Signature"
        "X-Amz-Credential"
        "X-Amz-Security-Token"
        "X-Amz-S3session-Token"
        "X-Amz-Server-Side-Encryption-Customer-Key"
        "AWSAccessKeyId"
        "SignatureProvided"
        "StringToSignBytes"
        "StringToSign"
        "CanonicalRequestBytes"
        "CanonicalRequest"
        "Signature"
        "Credential"
        "Authorization"
        "Proxy-Authorization"
    |]

    let private matchesAt (text: Unescape.Seen[]) (at: int) (name: string) =
        at + name.Length <= text.Length
        && (let mutable i = 0

            while i < name.Length
                  && Char.ToLowerInvariant text[at + i].Char = Char.ToLowerInvariant name[i] do
                i <- i + 1

            i = name.Length)

    /// The index of the name in `secretNames` that begins at `at`; -1 for none.
    let private secretNameAt (text: Unescape.Seen[]) (at: int) =
        let rec from i =
            if i = secretNames.Length then -1
            elif matchesAt text at secretNames[i] then i
            else from (i + 1)

        from 0

    let private isNameChar (c: char) =
        Char.IsAsciiLetterOrDigit c || c = '-' || c = '_'

    /// Headers whose value is a scheme and then the credentials, with blanks between them.
    let private isWholeLine (name: string) =
        name.EndsWith("Authorization", StringComparison.Ordinal)

    /// A range of nothing.
    let private nowhere = struct (0, 0)

    /// Where the value of the name that ends at `at` begins and ends, if a separator follows.
    /// `=` `:` `,` (also quoted, also escaped) begin a value that a blank, a quote, `<`, `>` or `&` ends;
    /// `:` `,` after the name of a header with blanks in it begin one that the line or its quote ends;
    /// `>` begins the text of an XML element, that only `<` ends.
    let private valueAfter (text: Unescape.Seen[]) (name: string) (at: int) =
        let isBlank (c: char) = Char.IsWhiteSpace c || Char.IsControl c

        let rec skipQuotes i =
            if
                i < text.Length
                && (isBlank text[i].Char || text[i].Char = '"' || text[i].Char = '\'')
            then
                skipQuotes (i + 1)
            else
                i

        let separator = skipQuotes at

        if separator >= text.Length then
            nowhere
        else
            let depth = text[separator].Depth

            let ends (c: Unescape.Seen) =
                c.Depth <= depth
                && (isBlank c.Char || c.Char = '"' || c.Char = '<' || c.Char = '>' || c.Char = '&')

            let rec until stop i =
                if i < text.Length && not (stop text[i]) then until stop (i + 1) else i

            match text[separator].Char with
            | ':'
            | ',' when isWholeLine name ->
                let first = skipQuotes (separator + 1)

                let endsLine (c: Unescape.Seen) =
                    c.Char = '\r' || c.Char = '\n' || c.Char = '"' && text[first - 1].Char = '"'

                struct (first, until endsLine first)
            | '='
            | ':'
            | ',' ->
                let first = skipQuotes (separator + 1)
                struct (first, until ends first)
            | '>' ->
                let first = separator + 1
                struct (first, until (fun c -> c.Depth <= depth && c.Char = '<') first)
            | _ -> nowhere

    /// Where the user info that follows `://` at `at` begins and ends, if there is any.
    let private userInfoAfter (text: Unescape.Seen[]) (at: int) =
        // A password's own '/' or '?' is percent-encoded once more than the URL that it stands in.
        let depth = text[at - 1].Depth

        let ends (c: Unescape.Seen) =
            c.Depth <= depth
            && (c.Char = '/'
                || c.Char = '?'
                || c.Char = '#'
                || c.Char = '"'
                || c.Char = '<'
                || c.Char = '>'
                || Char.IsWhiteSpace c.Char)

        let mutable i = at
        let mutable last = -1

        while i < text.Length && not (ends text[i]) do
            if text[i].Char = '@' then
                last <- i

            i <- i + 1

        if last > at then struct (at, last) else nowhere

    /// The value of the secret name that begins at `at`, if one does.
    let private valueOfNameAt (text: Unescape.Seen[]) (at: int) =
        match secretNameAt text at with
        | -1 -> nowhere
        | index ->
            let name = secretNames[index]
            let stop = at + name.Length

            if stop = text.Length || not (isNameChar text[stop].Char) then
                valueAfter text name stop
            else
                nowhere

    let private isEmpty (struct (first: int, stop: int)) = stop <= first

    /// Ranges of the original text to be masked, in order, not overlapping.
    let private secretRanges (text: Unescape.Seen[]) =
        let ranges = ResizeArray<struct (int * int)>()
        let mutable i = 0

        while i < text.Length do
            let struct (first, stop) =
                if text[i].Char = ':' && matchesAt text i "://" then userInfoAfter text (i + 3)
                elif i > 0 && isNameChar text[i - 1].Char then nowhere
                else valueOfNameAt text i

            if isEmpty struct (first, stop) then
                i <- i + 1
            elif not (isEmpty (valueOfNameAt text first)) then
                // No value stands there but the next name, whose value is the secret.
                i <- first
            else
                ranges.Add struct (text[first].From, text[stop - 1].Next)
                i <- stop

        ranges

    /// Without any of these, nothing in a text can be an escape, user info, or a value behind its name.
    let private marks = SearchValues.Create "%\\=:,>"

    /// Free text (an error message, a log line, a server's reply) with the value of every secret parameter
    /// and all user info masked, wherever a URL or a part of one stands in it.
    [<CompiledName("Text")>]
    let text (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        elif value.AsSpan().IndexOfAny marks < 0 then
            value
        else
            let ranges = secretRanges (Unescape.see value)

            if ranges.Count = 0 then
                value
            else
                let result = StringBuilder(value.Length)
                let mutable at = 0

                for struct (first, stop) in ranges do
                    result.Append(value, at, first - at).Append(Mask) |> ignore
                    at <- stop

                result.Append(value, at, value.Length - at).ToString()

    let private maskParameter (text: string) (parameter: QueryParameter) : string =
        if parameter.First = parameter.Stop || QuerySecrets.isHarmless text parameter then
            text.Substring(parameter.First, parameter.Stop - parameter.First)
        elif parameter.Sign = parameter.Stop then
            Mask
        else
            text.Substring(parameter.First, parameter.Sign + 1 - parameter.First) + Mask

    let private maskQuery (text: string) (first: int) : string =
        let masked = StringBuilder(text, 0, first, text.Length)
        let mutable next = first

        while next <= text.Length do
            let parameter = QueryParameter.at text next
            masked.Append(maskParameter text parameter) |> ignore

            if parameter.Stop < text.Length then
                masked.Append '&' |> ignore

            next <- parameter.Stop + 1

        masked.ToString()

    /// A URL with its user info, its fragment and all query values masked, but for those few that say
    /// when it was signed, for how long, and which headers it covers.
    [<CompiledName("Url")>]
    let url (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        else
            let beforeFragment =
                match value.IndexOf '#' with
                | -1 -> value
                | i -> value.Substring(0, i)

            match beforeFragment.IndexOf '?' with
            | -1 -> text beforeFragment
            // The name of a parameter may itself hold what looks like one.
            | i -> text (maskQuery beforeFragment (i + 1))

    /// Whether a text that should be a plain name or path may be a URL, or hold a credential: somebody pasted it
    /// into the wrong place. Escapes are seen through.
    [<CompiledName("LooksLikeUrl")>]
    let looksLikeUrl (value: string) : bool =
        if String.IsNullOrEmpty value then
            false
        else
            let seen = Unescape.see value
            let plain = Unescape.plain seen
            let query = plain.IndexOf '?'

            plain.Contains("://", StringComparison.Ordinal)
            || query >= 0 && plain.IndexOf('=', query) > query
            || (secretRanges seen).Count > 0

    /// A text that should be a plain name or path, fit to be shown: where it looks like a URL, all that may be its
    /// query or its fragment is masked, under whatever name a token stands there.
    [<CompiledName("Plain")>]
    let plain (value: string) : string =
        if not (looksLikeUrl value) then
            text value
        else
            match
                Unescape.see value
                |> Array.tryFind (fun seen -> seen.Char = '?' || seen.Char = '#')
            with
            | Some mark -> text (value.Substring(0, mark.Next) + Mask)
            | None -> text value

    /// Values of fewer characters are not looked for by `known`: they are no secret, and stand everywhere.
    [<Literal>]
    let ShortestSecret = SecretForms.Shortest

    /// The text without the given secrets, whether they stand in it plain or percent-encoded, and then
    /// redacted by name as `text` does. Secrets shorter than `ShortestSecret` are passed over.
    [<CompiledName("Known")>]
    let known (secrets: string list) (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        else
            text (SecretForms.mask Mask secrets value)

    /// Every secret value that a URL's query carries, as it stands there: the values of all parameters that
    /// `url` would mask, and the access key id at the head of a SigV4 credential.
    [<CompiledName("SecretsOf")>]
    let secretsOf (value: string) : string list =
        match value.IndexOf '?' with
        | -1 -> []
        | i -> QuerySecrets.places value (i + 1) |> QuerySecrets.at 0 value
