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
        "sv"
        "x-amz-sdk-checksum-algorithm"
        "x-amz-checksum-algorithm"
        "x-amz-checksum-sha256"
        "x-amz-checksum-sha1"
        "x-amz-checksum-crc64nvme"
        "x-amz-checksum-crc32c"
        "x-amz-checksum-crc32"
    |]

    let private plain (text: string) = Unescape.text text

    /// The fewest characters of a token that stands alone in a query.
    [<Literal>]
    let private ShortestBare = 10

    /// The fewest characters of the token of a path that was cut.
    [<Literal>]
    let private ShortestToken = 16

    /// True if the text between a `?` and the end of a query without a scheme looks like a token: it has letters and
    /// digits, and nothing else but the signs of Base64 and of tokens with dots.
    let isBareToken (value: string) : bool =
        let value = value.TrimEnd([| '.'; ','; ';'; ')'; '\''; '…' |])

        value.Length >= ShortestBare
        && Seq.exists Char.IsAsciiDigit value
        && Seq.exists Char.IsAsciiLetter value
        && value
           |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "-_~+/.=".Contains c)

    let private isDigestName (name: string) =
        name.StartsWith("x-amz-checksum-", StringComparison.Ordinal)

    /// True if a parameter may be shown: its name is known, and its value has the form that goes with the name. Neither
    /// has escapes.
    let isHarmless (name: string) (value: string) : bool =
        let name = name.ToLowerInvariant()

        Array.contains name harmless
        && (isDigestName name || value.AsSpan().IndexOfAny("=?/@&") < 0)
        && ParameterForm.has name value

    /// True if a parameter has no value: what stands there is a value without a name, and `=` may be its padding.
    let isBare (text: string) (parameter: QueryParameter) : bool =
        (QueryParameter.value text parameter).Trim('=').IsEmpty

    /// True if the parameter of a query may be shown.
    let isHarmlessAt (text: string) (parameter: QueryParameter) : bool =
        isHarmless
            (plain ((QueryParameter.name text parameter).ToString()))
            (plain ((QueryParameter.value text parameter).ToString()))

    /// True if the name of a parameter is masked as well: a token stands in the place of the name.
    let isSecretName (name: string) : bool = PathTokens.looksRandom (plain name)

    /// The value of a parameter, and what stands in it. Of a credential (`X-Amz-Credential`, `X-Goog-Credential`,
    /// `x-oss-credential`) that is the access key id at its head: its scope, which ends with `aws4_request` and the like, is
    /// not a secret.
    let private secretsOf (name: string) (value: string) =
        let text = plain value

        let hasScope (scope: string list) =
            scope.Length = 4 && scope[3].EndsWith "_request"

        match List.ofArray (text.Split '/') with
        | keyId :: first :: rest when
            keyId <> ""
            && (plain name).Contains("credential", StringComparison.OrdinalIgnoreCase)
              ->
              [
                  if not (hasScope (first :: rest)) then
                      value

                  keyId
                  yield! SecretParts.ofValue keyId
              ]
        | _ -> value :: SecretParts.ofValue text

    /// The fewest characters of a signature that is looked for in a path.
    [<Literal>]
    let private ShortestSignature = 16

    let private isSignatureName (name: ReadOnlySpan<char>) =
        let name = if name.Contains '%' then (plain (name.ToString())).AsSpan() else name

        name.EndsWith("signature", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("sig", StringComparison.OrdinalIgnoreCase)

    /// The values of the parameters that hold a signature in the query that begins at `first`.
    let signatures (text: string) (first: int) : string list = [
        let mutable next = first

        while next < text.Length do
            let parameter = QueryParameter.at text next
            next <- parameter.Stop + 1
            let value = QueryParameter.value text parameter

            if
                value.Length >= ShortestSignature
                && isSignatureName (QueryParameter.name text parameter)
            then
                value.ToString()
    ]

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
                    yield! secretsOf "" name
                else
                    let value = (QueryParameter.value text parameter).ToString()
                    yield! secretsOf name value

                    if isSecretName name then
                        name
    ]

    /// The domains of stores whose paths begin with `/p/<token>/`, if the request is pre-authenticated.
    let private preAuthenticating = [ ".oraclecloud.com"; ".customer-oci.com" ]

    /// True if the path that begins at `at` follows one of these domains, or its port.
    let private isPreAuthenticating (text: Unescape.Seen[]) (at: int) =
        let mutable stop = at

        while stop > 0 && Char.IsAsciiDigit text[stop - 1].Char do
            stop <- stop - 1

        let stop = if stop > 0 && text[stop - 1].Char = ':' then stop - 1 else at

        preAuthenticating
        |> List.exists (fun domain ->
            stop >= domain.Length && FreeText.matchesAt text (stop - domain.Length) domain)

    /// True for what ends a path in a text: an ellipsis stands for the rest.
    let private endsPath (text: Unescape.Seen[]) (i: int) =
        i >= text.Length
        || FreeText.isEnd Int32.MaxValue text[i]
        || "…?#'),;".Contains text[i].Char
        || text[i].Char = '.' && (i + 1 >= text.Length || text[i + 1].Char = '.')

    /// The token of an Oracle pre-authenticated request (`/p/<token>/n/<namespace>/b/<bucket>/o/<object>`) in a text
    /// without escapes, if such a path begins with the slash at `at`: its first position, and the one after its last.
    /// (0, 0) for none. `mayBeCut`: the text may have lost what follows the token.
    let private tokenFrom (mayBeCut: bool) (text: Unescape.Seen[]) (at: int) : struct (int * int) =
        let isAt i (c: char) =
            i < text.Length && Char.ToLowerInvariant text[i].Char = c

        /// The last of the slashes at `i`.
        let lastSlash i =
            let mutable last = i

            while isAt (last + 1) '/' do
                last <- last + 1

            last

        /// Where the segment behind `/<name>/` ends, if that is at `i`; -1 if not. A slash may be doubled.
        let segmentAfter (name: char) i =
            let i = if i >= 0 && isAt i '/' then lastSlash i else -1

            if i >= 0 && isAt (i + 1) name && isAt (i + 2) '/' then
                let first = lastSlash (i + 2) + 1
                let mutable stop = first

                while stop < text.Length
                      && text[stop].Char <> '/'
                      && text[stop].Char <> '?'
                      && not (Char.IsWhiteSpace text[stop].Char) do
                    stop <- stop + 1

                if stop > first then stop else -1
            else
                -1

        /// True if the path ends at `i`, or with a part of `/<name>/`.
        let isCut (name: char) i =
            endsPath text i
            || isAt i '/'
               && (endsPath text (i + 1)
                   || isAt (i + 1) name
                      && (endsPath text (i + 2) || isAt (i + 2) '/' && endsPath text (i + 3)))

        let stop = segmentAfter 'p' at

        let first =
            let mutable first = stop

            while first > 0 && text[first - 1].Char <> '/' do
                first <- first - 1

            first

        /// Only a random token is known for one without the bucket behind it.
        let isToken () =
            let token = FreeText.slice text first stop
            let has (isSuch: char -> bool) = Seq.exists isSuch token

            PathTokens.isToken (token.AsSpan())
            || token.Length >= ShortestToken
               && has Char.IsAsciiDigit
               && has Char.IsAsciiLetterUpper
               && has Char.IsAsciiLetterLower

        if stop < 0 then
            struct (0, 0)
        elif isPreAuthenticating text at then
            struct (first, stop)
        else
            match segmentAfter 'n' stop with
            | -1 when mayBeCut && isCut 'n' stop && isToken () -> struct (first, stop)
            | -1 -> struct (0, 0)
            | space when segmentAfter 'b' space > 0 || mayBeCut && isCut 'b' space && isToken () ->
                struct (first, stop)
            | _ -> struct (0, 0)

    /// The token of a path in a text that may have been cut behind it.
    let tokenAt (text: Unescape.Seen[]) (at: int) : struct (int * int) = tokenFrom true text at

    /// The original range of the token in a path. (0, 0) for none.
    let tokenOfPath (path: string) : struct (int * int) =
        if path.Contains '%' || path.Contains("/p/", StringComparison.OrdinalIgnoreCase) then
            let seen = Unescape.see path
            let mutable found = struct (0, 0)
            let mutable i = 0

            while i < seen.Length && found = struct (0, 0) do
                if seen[i].Char = '/' then
                    match tokenFrom false seen i with
                    | struct (_, 0) -> ()
                    | struct (first, stop) -> found <- struct (seen[first].From, seen[stop - 1].Next)

                i <- i + 1

            found
        else
            struct (0, 0)
