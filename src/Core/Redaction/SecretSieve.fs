namespace CellOS.Export.S3.Core

#nowarn "9" // Spans on the stack.

open System
open Microsoft.FSharp.NativeInterop

/// Recognizes texts that contain no secret of a URL, without the full search: nearly all request ids, ETags and addresses
/// are such texts, and the full search costs more than the rest of a push's decisions.
///
/// Rules that this module keeps:
/// - a text passes only if it is plain: ASCII letters, digits and a few other characters, none of which begins an escape;
/// - every secret has `Secrets.Shortest` characters or more, so a text that contains one, or its beginning or its end, shares
///   four letters or digits in a row with the URL, whatever is between them; or three of six characters in a row are
///   others, and such a text, or such a value, does not pass;
/// - what a text decodes to, as Base64 or as hexadecimal digits, is compared in the same way, and the octets of Base64 in
///   hexadecimal digits by six in a row;
/// - a URL with escapes within escapes lets no text pass.
[<RequireQualifiedAccess>]
module internal SecretSieve =

    /// The letters and digits that are compared at once.
    [<Literal>]
    let private Gram = 4

    /// The same for octets in hexadecimal digits.
    [<Literal>]
    let private HexGram = 6

    [<Literal>]
    let private LongestText = 512

    /// The most characters of all texts and what they decode to.
    [<Literal>]
    let private Room = 8192

    [<Literal>]
    let private Words = 256

    /// The fewest characters of Base64 or hexadecimal digits that are decoded.
    [<Literal>]
    let private ShortestRun = 8

    /// The fewest 'x' and ':' of a list of octets: `33x66x38`, `33:66:38`.
    [<Literal>]
    let private FewestSigns = 7

    /// Stands between texts.
    [<Literal>]
    let private Gap = '\uFFFF'

    /// The number of a letter, without regard to case, or a digit, from 1 to 36; 0 for any other character.
    let private symbol (c: char) =
        if Char.IsAsciiDigit c then int c - int '0' + 1
        elif Char.IsAsciiLetter c then (int c ||| 0x20) - int 'a' + 11
        else 0

    /// The last symbols, six bits each.
    let private push (width: int) (gram: uint64) (symbol: int) =
        ((gram <<< 6) ||| uint64 symbol) &&& ((1UL <<< (6 * width)) - 1UL)

    let private isWhole (width: int) (gram: uint64) = gram >>> (6 * (width - 1)) <> 0UL

    let private slot (gram: uint64) =
        int ((gram * 11400714819323198485UL) >>> 50)

    /// True if at most two of six characters in a row are neither letters nor digits.
    let private isDense (text: string) =
        let mutable others = 0
        let mutable isDense = true

        for i in 0 .. text.Length - 1 do
            if symbol text[i] = 0 then
                others <- others + 1

            if i >= Secrets.Shortest && symbol text[i - Secrets.Shortest] = 0 then
                others <- others - 1

            isDense <- isDense && others <= Secrets.Shortest - Gram

        isDense

    let private isPlain (others: string) (text: string) =
        let mutable stop = text.Length

        // Base64 padding has no value behind it.
        while stop > 0 && (text[stop - 1] = '=' || text[stop - 1] = '"') do
            stop <- stop - 1

        let mutable isPlain = text.Length <= LongestText
        let mutable signs = 0

        for i in 0 .. text.Length - 1 do
            let c = text[i]

            if symbol c = 0 then
                isPlain <- isPlain && (others.Contains c || i >= stop)

            if c = ':' || c = 'x' || c = 'X' then
                signs <- signs + 1

        isPlain && signs < FewestSigns

    /// The value of a digit of either alphabet of Base64; -1 for any other character.
    let private sextet (c: char) =
        if Char.IsAsciiLetterUpper c then
            int c - int 'A'
        elif Char.IsAsciiLetterLower c then
            int c - int 'a' + 26
        elif Char.IsAsciiDigit c then
            int c - int '0' + 52
        else
            match c with
            | '+'
            | '-' -> 62
            | '/'
            | '_' -> 63
            | _ -> -1

    let private nibble (c: char) =
        if Char.IsAsciiHexDigit c then symbol c - 1 else -1

    /// The number of characters in a span on the stack.
    [<Struct>]
    type private Page = {
        mutable Length: int
        mutable IsFull: bool
    }

    let private put (room: Span<char>) (page: byref<Page>) (c: char) =
        if page.Length = room.Length then
            page.IsFull <- true
        else
            room[page.Length] <- c
            page.Length <- page.Length + 1

    let private digitOf (bits: int) (c: char) = if bits = 6 then sextet c else nibble c

    /// Adds what digits of `bits` bits each decode to: the octets, without zeros, or their hexadecimal digits.
    let private putDecoded
        (room: Span<char>)
        (page: byref<Page>)
        (run: ReadOnlySpan<char>)
        (bits: int)
        (inHex: bool)
        =
        put room &page Gap
        let mutable value = 0
        let mutable have = 0

        // Zero bits complete the last octet.
        for i in 0 .. run.Length do
            let digit = if i = run.Length then 0 else digitOf bits run[i]
            value <- ((value <<< bits) ||| digit) &&& 0xFFFF
            have <- have + bits

            if have >= 8 then
                have <- have - 8
                let octet = (value >>> have) &&& 0xFF

                if inHex then
                    put room &page ("0123456789abcdef"[octet >>> 4])
                    put room &page ("0123456789abcdef"[octet &&& 15])
                elif octet <> 0 then
                    put room &page (char octet)

    /// Adds what each run of digits decodes to, wherever in it the secret begins.
    let private putRuns (room: Span<char>) (page: byref<Page>) (text: string) (bits: int) (inHex: bool) =
        let mutable first = 0

        while first < text.Length do
            let mutable stop = first

            while stop < text.Length && digitOf bits text[stop] >= 0 do
                stop <- stop + 1

            if stop - first >= ShortestRun then
                for skipped in 0 .. (if bits = 6 then 3 else 1) do
                    putDecoded room &page (text.AsSpan(first + skipped, stop - first - skipped)) bits inHex

            first <- stop + 1

    let private addGrams (width: int) (slots: Span<uint64>) (text: ReadOnlySpan<char>) =
        let mutable gram = 0UL

        for i in 0 .. text.Length - 1 do
            match symbol text[i] with
            | 0 ->
                if text[i] = Gap then
                    gram <- 0UL
            | symbol ->
                gram <- push width gram symbol

                if isWhole width gram then
                    let slot = slot gram
                    slots[slot >>> 6] <- slots[slot >>> 6] ||| (1UL <<< slot)

    let private hasGram (width: int) (gram: uint64) (text: ReadOnlySpan<char>) =
        let mutable last = 0UL
        let mutable found = false

        for i in 0 .. text.Length - 1 do
            match symbol text[i] with
            | 0 ->
                if text[i] = Gap then
                    last <- 0UL
            | symbol ->
                last <- push width last symbol
                found <- found || last = gram

        found

    /// True if a URL, from the given index on, shares no `width` letters or digits in a row with the text. False as well for a
    /// URL with escapes within escapes.
    let private sharesNothing (width: int) (text: ReadOnlySpan<char>) (url: string) (first: int) =
        let slots =
            Span<uint64>(NativePtr.toVoidPtr (NativePtr.stackalloc<uint64> Words), Words)

        slots.Clear()
        addGrams width slots text
        let mutable i = first
        let mutable gram = 0UL
        let mutable passes = true

        while passes && i < url.Length do
            let c =
                if url[i] = '%' && i + 2 < url.Length then
                    i <- i + 2
                    char (16 * (symbol url[i - 1] - 1) + symbol url[i] - 1)
                else
                    url[i]

            i <- i + 1

            if c = '%' || c = '\\' || c = '&' && url[i - 1] <> '&' then
                passes <- false
            else
                match symbol c with
                | 0 -> ()
                | symbol ->
                    gram <- push width gram symbol
                    let slot = slot gram

                    if (slots[slot >>> 6] >>> slot) &&& 1UL <> 0UL && isWhole width gram then
                        passes <- not (hasGram width gram text)

        passes

    /// Compares plain texts, and what they decode to, with a URL from the given index on.
    let private areFree (texts: string list) (url: string) (first: int) =
        let room = Span<char>(NativePtr.toVoidPtr (NativePtr.stackalloc<char> Room), Room)

        let mutable page = { Length = 0; IsFull = false }

        for text in texts do
            put room &page Gap

            for c in text do
                put room &page c

            putRuns room &page text 6 false
            putRuns room &page text 4 false

        let plain = page.Length

        for text in texts do
            putRuns room &page text 6 true

        not page.IsFull
        && sharesNothing Gram (Span.op_Implicit (room.Slice(0, plain))) url first
        && sharesNothing HexGram (Span.op_Implicit (room.Slice(plain, page.Length - plain))) url first

    /// True if none of the texts contains a secret of the URL behind the given index, or a part of one, in any spelling, and
    /// none needs to be redacted. False says nothing.
    let passes (url: string) (first: int) (texts: string list) : bool =
        let isPlain (text: string) =
            isPlain "+/-._\"" text
            && isDense text
            && not (text.Contains("/p/", StringComparison.OrdinalIgnoreCase))
            && not (NamedSecrets.mayNameScheme text)
            && not (CredentialForms.mayBeIn text)

        List.forall isPlain texts && areFree texts url first

    /// True if a text, which may be an address, contains none of the values, and no part of one, in any spelling. False
    /// says nothing.
    let isFreeOf (values: string list) (text: string) : bool =
        isPlain "+/-._:" text
        && values
           |> List.forall (fun value -> isDense value && not (value.Contains '%') && areFree [ text ] value 0)
