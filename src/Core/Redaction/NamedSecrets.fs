namespace CellOS.Export.S3.Core

open System
open System.Buffers

/// Finds values that follow the name of a credential in a text without escapes: in a query, a header, JSON or XML.
[<RequireQualifiedAccess>]
module internal NamedSecrets =

    /// Names of parameters, headers and elements of error documents whose value is a credential, or is made from one;
    /// in lower case. Those that `secretWords` or `endings` cover need no entry.
    let private secretNames = [|
        "x-amz-server-side-encryption-customer-key"
        "awsaccesskeyid"
        "googleaccessid"
        "ossaccesskeyid"
        "signatureprovided"
        "stringtosignbytes"
        "stringtosign"
        "canonicalrequestbytes"
        "canonicalrequest"
        "authorization"
        "proxy-authorization"
        "temp_url_sig"
        "temp_url_prefix"
        "q-ak"
    |]

    /// What the names of credentials end with, after a `-` or `_` or alone: `X-Goog-Signature`, `private_token`.
    let private secretWords = [|
        "signature"
        "credential"
        "token"
        "sig"
        "secret"
        "password"
        "apikey"
        "sv"
    |]

    /// What the names of credentials end with, without regard to `-` and `_`: `accessToken`, `api-key`, `secretAccessKey`.
    let private endings = [|
        "token"
        "secret"
        "password"
        "passwd"
        "passphrase"
        "pwd"
        "dbpass"
        "signature"
        "credential"
        "apikey"
        "accesskey"
        "accesskeyid"
        "secretkey"
        "secretid"
        "privatekey"
        "accountkey"
        "customerkey"
        "sessionid"
        "authorization"
        "cookie"
    |]

    /// What the codes of errors begin with: `ExpiredToken`, `invalid_token`.
    let private faults = [|
        "expired"
        "invalid"
        "missing"
        "malformed"
        "incorrect"
        "unsupported"
        "unrecognized"
        "unknown"
        "revoked"
        "mismatched"
        "bad"
        "wrong"
        "no"
    |]

    let private isNameChar (c: char) =
        Char.IsAsciiLetterOrDigit c || c = '-' || c = '_'

    /// The name that begins at `at`; empty if another one goes on there.
    let private nameAt (text: Unescape.Seen[]) (at: int) =
        if at > 0 && isNameChar text[at - 1].Char then
            ""
        else
            FreeText.slice text at (FreeText.until (fun c -> not (isNameChar c.Char)) text at)

    let private lastWord (name: string) =
        name.Substring(name.LastIndexOfAny [| '-'; '_' |] + 1).ToLowerInvariant()

    let private isWord (name: string) =
        Array.contains (name.ToLowerInvariant()) secretWords

    /// True for the code of an error: `ExpiredToken`, not `expiredtoken`.
    let private isErrorCode (name: string) =
        faults
        |> Array.exists (fun fault ->
            name.Length > fault.Length
            && name.StartsWith(fault, StringComparison.OrdinalIgnoreCase)
            && not (Char.IsAsciiLetterLower name[fault.Length]))

    /// True if the name is one of a list, or has one of the words as its last.
    let private isListed (name: string) =
        Array.contains (name.ToLowerInvariant()) secretNames
        || Array.contains (lastWord name) secretWords

    let private hasEnding (name: string) =
        let letters = name.Replace("-", "").Replace("_", "").ToLowerInvariant()

        endings
        |> Array.exists (fun ending -> letters.EndsWith(ending, StringComparison.Ordinal))

    /// True if a value under this name is a credential. Among them are codes of errors that end with a listed word
    /// (`invalid_token`): a server may quote under them what it got.
    let isSecretName (name: string) : bool =
        isListed name || hasEnding name && not (isErrorCode name)

    /// Headers whose value is a scheme and then the credentials, with blanks between them, or several pairs.
    let private isWholeLine (name: string) =
        name.EndsWith("authorization", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("cookie", StringComparison.OrdinalIgnoreCase)

    /// True if a comma after the name begins its value. In prose it does not: 'the token, then'.
    let private allowsComma (name: string) =
        let name = name.ToLowerInvariant()

        isListed name
        && not (isErrorCode name)
        && (not (isWord name) || name = "signature" || name = "credential")

    /// True if the name that begins at `at` is that of an XML element, with or without a prefix.
    let private isInTag (text: Unescape.Seen[]) (at: int) =
        let mutable first = at

        if first > 0 && text[first - 1].Char = ':' then
            first <- first - 1

            while first > 0 && isNameChar text[first - 1].Char do
                first <- first - 1

        first > 0 && text[first - 1].Char = '<'

    /// Where the separator behind the name is that ends at `at`, and where the value begins; (0, 0) if none follows.
    /// `=` `:` `,` (also quoted, also escaped) and `>`, which ends the tag of an XML element, begin a value.
    let private valueStart (text: Unescape.Seen[]) (name: string) (at: int) =
        let separator = FreeText.skipQuotes text at

        if separator = text.Length then
            FreeText.nowhere
        else
            match text[separator].Char with
            | ',' when not (allowsComma name) -> FreeText.nowhere
            | '='
            | ':'
            | ',' -> struct (separator, FreeText.skipQuotes text (separator + 1))
            | '>' when isInTag text (at - name.Length) -> struct (separator, separator + 1)
            | _ -> FreeText.nowhere

    /// What names of parameters and headers begin with.
    let private families = [|
        "x-amz-"
        "x-goog-"
        "x-ms-"
        "x-oss-"
        "x-cos-"
        "x-obs-"
        "content-"
        "if-"
    |]

    /// Names, in lower case, that stand beside names of credentials in a list.
    let private listWords = [| "host"; "date"; "range"; "expires"; "policy"; "and"; "or" |]

    /// Words, in lower case, that say something of a credential: 'Signature: expired', 'token=expired'.
    let private states = [|
        "expired"
        "invalid"
        "missing"
        "required"
        "malformed"
        "unknown"
        "unsupported"
        "empty"
        "denied"
        "rejected"
        "null"
        "none"
        "true"
        "false"
        "is"
        "was"
        "has"
        "not"
        "does"
        "must"
        "cannot"
        "the"
        "no"
    |]

    /// The most characters of such a word or name.
    [<Literal>]
    let private LongestWord = 64

    /// Schemes of HTTP authentication that credentials follow after a blank.
    let private isScheme (word: string) =
        match word.ToLowerInvariant() with
        | "basic"
        | "bearer"
        | "token"
        | "apikey"
        | "negotiate"
        | "sharedkey"
        | "aws" -> true
        | _ -> false

    /// Other schemes, which no word of prose follows.
    let private otherSchemes = [|
        "digest"
        "ntlm"
        "oauth"
        "dpop"
        "hoba"
        "mutual"
        "vapid"
        "signature"
        "hmac"
    |]

    /// The most letters of a word that begins a sentence after a colon.
    [<Literal>]
    let private LongestProse = 15

    /// True if a sentence begins at `first`: a word in lower case, a blank and another word. Of 'token: is required' nothing
    /// is a value. Known secrets are masked before.
    let private isSentence (text: Unescape.Seen[]) (first: int) =
        let notLower (c: Unescape.Seen) = not (Char.IsAsciiLetterLower c.Char)
        let notLetter (c: Unescape.Seen) = not (Char.IsAsciiLetter c.Char)
        let stop = FreeText.until notLower text first
        let second = FreeText.until notLetter text (min text.Length (stop + 1))

        if
            stop = first
            || stop - first > LongestProse
            || stop >= text.Length
            || text[stop].Char <> ' '
            || second = stop + 1
            || second - stop - 1 > LongestProse
        then
            false
        else
            let word = FreeText.slice text first stop

            not (isScheme word)
            && not (Array.contains word otherSchemes)
            && (second = text.Length
                || FreeText.isBlank text[second].Char
                || ",.;)'\"…".Contains text[second].Char)

    /// True if the text that begins at `first` is another name in a list of names, a word on the state of the
    /// credential, or a sentence, and not a value.
    let private isProse (text: Unescape.Seen[]) (separator: int) (first: int) =
        let isQuoted = text[first - 1].Char = '"' || text[first - 1].Char = '\''
        let mark = text[separator].Char

        if
            isQuoted
            || mark <> ',' && mark <> ':' && mark <> '='
            || mark <> '=' && first = separator + 1
        then
            false
        elif
            mark = ':'
            && first = separator + 2
            && text[separator + 1].Char = ' '
            && isSentence text first
        then
            true
        else
            let mutable stop = first

            while stop < text.Length && stop - first <= LongestWord && isNameChar text[stop].Char do
                stop <- stop + 1

            let word = (FreeText.slice text first stop).ToLowerInvariant()

            let isFamily (family: string) =
                word.StartsWith(family, StringComparison.Ordinal)

            // A name or a word is followed by the end of a sentence or a list, not by more of a value.
            let isWhole =
                stop = text.Length
                || FreeText.isEnd Int32.MaxValue text[stop]
                || ",.;)]}…'".Contains text[stop].Char
                   && (stop + 1 = text.Length || not (isNameChar text[stop + 1].Char))

            if not isWhole then
                false
            elif mark = ',' then
                Array.contains word listWords || Array.exists isFamily families
            else
                Array.contains word states

    /// Where the last of the octets ends that begin at `at`: two hexadecimal digits each, with blanks between them.
    let rec private octetsStop (text: Unescape.Seen[]) (stop: int) (at: int) =
        let isDigit i =
            i < text.Length && Char.IsAsciiHexDigit text[i].Char

        if isDigit at && isDigit (at + 1) && not (isDigit (at + 2)) then
            octetsStop text (at + 2) (FreeText.skipBlanks text (at + 2))
        else
            stop

    /// Where the value that begins at `first` ends: a blank, a quote, `<`, `>` or `&` ends it; the line or the quote that
    /// it is in ends that of a header with blanks in it; only `<` ends the text of an XML element.
    let private valueStop (text: Unescape.Seen[]) (name: string) (separator: int) (first: int) =
        let depth = text[separator].Depth

        let ends (c: Unescape.Seen) =
            FreeText.isEnd depth c || c.Depth <= depth && c.Char = '&'

        match text[separator].Char with
        | ':'
        | ',' when isWholeLine name ->
            let isQuoted = text[first - 1].Char = '"'

            FreeText.until (fun c -> c.Char = '\r' || c.Char = '\n' || c.Char = '"' && isQuoted) text first
        | '>' -> FreeText.until (fun c -> c.Depth <= depth && c.Char = '<') text first
        // Octets in hexadecimal digits, with blanks between them.
        | _ when name.EndsWith("bytes", StringComparison.OrdinalIgnoreCase) ->
            max (octetsStop text first first) (FreeText.until ends text first)
        | _ ->
            let stop = FreeText.until ends text first

            if
                stop < text.Length
                && FreeText.isBlank text[stop].Char
                && isScheme (FreeText.slice text first stop)
            then
                FreeText.until ends text (FreeText.skipBlanks text stop)
            else
                stop

    /// The secret name at `at`, its separator, and where its value begins; none if no separator follows.
    let private find (text: Unescape.Seen[]) (at: int) (name: string) =
        if name <> "" && isSecretName name then
            match valueStart text name (at + name.Length) with
            | struct (_, 0) -> ValueNone
            | struct (separator, first) when isProse text separator first -> ValueNone
            | struct (separator, first) -> ValueSome struct (separator, first)
        else
            ValueNone

    /// The fewest characters of credentials that follow `Bearer` or `Basic` in prose.
    [<Literal>]
    let private ShortestCredentials = 16

    let private isCredentialChar (c: char) =
        Char.IsAsciiLetterOrDigit c || "-._~+/=".Contains c

    /// Credentials behind the name of their scheme: 'Bearer 0a1b…', without the name of a header.
    let private credentialsAfter (text: Unescape.Seen[]) (at: int) =
        let first = FreeText.skipBlanks text at
        let stop = FreeText.until (fun c -> not (isCredentialChar c.Char)) text first
        let isDigit (c: Unescape.Seen) = Char.IsAsciiDigit c.Char

        if
            first > at
            && stop - first >= ShortestCredentials
            && FreeText.until isDigit text first < stop
        then
            struct (first, stop)
        else
            FreeText.nowhere

    /// The value of the secret name at `at`, if there is one. Where another such name follows in place of a value, that
    /// one's value is the secret.
    let valueAt (text: Unescape.Seen[]) (at: int) : struct (int * int) =
        let name = nameAt text at

        match find text at name with
        | ValueSome struct (separator, first) when (find text first (nameAt text first)).IsNone ->
            let stop = valueStop text name separator first

            // The version of Azure's API has the name of a credential.
            if QuerySecrets.isHarmless name (FreeText.slice text first stop) then
                FreeText.nowhere
            else
                struct (first, stop)
        | ValueSome _ -> FreeText.nowhere
        | ValueNone ->
            match name.ToLowerInvariant() with
            | "bearer"
            | "basic" -> credentialsAfter text (at + name.Length)
            | _ -> FreeText.nowhere

    let private signs =
        SearchValues.Create(ReadOnlySpan [| "bearer"; "basic"; "/p/" |], StringComparison.OrdinalIgnoreCase)

    /// True if a text without `=`, `:` and the like may still contain credentials: behind the name of a scheme, or in a path
    /// (`/p/<token>`).
    let mayFollow (text: string) : bool = text.AsSpan().ContainsAny signs
