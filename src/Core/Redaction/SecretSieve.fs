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

    /// The words of 64 bits that grams are marked in.
    [<Literal>]
    let private Words = 512

    /// The fewest 'x' and ':' of a list of octets: `33x66x38`, `33:66:38`.
    [<Literal>]
    let private FewestSigns = 7

    /// Stands between texts.
    [<Literal>]
    let private Gap = '\uFFFF'

    /// What each ASCII character stands for.
    let private table (value: char -> int) = Array.init 128 (char >> value)

    let private symbols =
        table (fun c ->
            if Char.IsAsciiDigit c then int c - int '0' + 1
            elif Char.IsAsciiLetter c then (int c ||| 0x20) - int 'a' + 11
            else 0)

    let private sextets =
        table (fun c ->
            match "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".IndexOf c, c with
            | -1, '-' -> 62
            | -1, '_' -> 63
            | value, _ -> value)

    let private nibbles =
        table (fun c -> if Char.IsAsciiHexDigit c then symbols[int c] - 1 else -1)

    let private valueIn (table: int[]) (other: int) (c: char) =
        if c < '\128' then table[int c] else other

    /// The number of a letter, without regard to case, or a digit, from 1 to 36; 0 for any other character.
    let private symbol (c: char) = valueIn symbols 0 c

    /// The last symbols, six bits each.
    let private push (width: int) (gram: uint64) (symbol: int) =
        ((gram <<< 6) ||| uint64 symbol) &&& ((1UL <<< (6 * width)) - 1UL)

    let private isWhole (width: int) (gram: uint64) = gram >>> (6 * (width - 1)) <> 0UL

    /// The two bits of a gram, of 15 binary digits each: with one, most URLs would meet the bit of another gram.
    let private slots (gram: uint64) : struct (int * int) =
        let hash = gram * 11400714819323198485UL
        struct (int (hash >>> 49), int ((hash >>> 32) &&& 0x7FFFUL))

    let private mark (marks: Span<uint64>) (slot: int) =
        marks[slot >>> 6] <- marks[slot >>> 6] ||| (1UL <<< slot)

    let private isMarked (marks: Span<uint64>) (slot: int) =
        (marks[slot >>> 6] >>> slot) &&& 1UL <> 0UL

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

    /// How a run of digits is decoded.
    type private Decoding = {
        /// The value of each digit.
        Digits: int[]
        /// The bits of a digit.
        Bits: int
        /// True for the octets in hexadecimal digits, false for the octets without zeros.
        InHex: bool
        /// The places in a run at which the secret may begin.
        Starts: int
        /// The fewest digits that may contain a secret of `Secrets.Shortest` characters.
        Shortest: int
    }

    let private base64 = {
        Digits = sextets
        Bits = 6
        InHex = false
        Starts = 4
        Shortest = 8
    }

    let private base64OfHex = {
        base64 with
            InHex = true
            Shortest = 4
    }

    let private hex = {
        Digits = nibbles
        Bits = 4
        InHex = false
        Starts = 2
        Shortest = 12
    }

    /// The fewest digits that may contain a secret of this length.
    let private shortestOf (length: int) (decoding: Decoding) =
        decoding.Shortest * length / Secrets.Shortest

    /// Writes what a run decodes to, from `at` on. Returns the place behind it.
    let private decode (decoding: Decoding) (run: ReadOnlySpan<char>) (room: Span<char>) (at: int) : int =
        let mutable next = at
        let mutable value = 0
        let mutable have = 0

        // Zero bits complete the last octet.
        for i in 0 .. run.Length do
            value <- (value <<< decoding.Bits) &&& 0xFFFF

            if i < run.Length then
                value <- value ||| valueIn decoding.Digits 0 run[i]

            have <- have + decoding.Bits

            if have >= 8 then
                have <- have - 8
                let octet = (value >>> have) &&& 0xFF

                if decoding.InHex then
                    room[next] <- "0123456789abcdef"[octet >>> 4]
                    room[next + 1] <- "0123456789abcdef"[octet &&& 15]
                    next <- next + 2
                elif octet <> 0 then
                    room[next] <- char octet
                    next <- next + 1

        next

    /// The most characters of a text and all that `decodeAll` writes for it: each of a run's characters makes 11, and the gaps
    /// of short runs the rest.
    let private roomOf (text: string) = 20 * text.Length + 64

    /// Writes what each run of digits decodes to, from `at` on, wherever in it the secret begins. Returns the place behind it.
    let private decodeAll
        (decoding: Decoding)
        (shortest: int)
        (text: string)
        (room: Span<char>)
        (at: int)
        : int =
        let mutable at = at
        let mutable first = 0

        while first < text.Length do
            let mutable stop = first

            while stop < text.Length && valueIn decoding.Digits -1 text[stop] >= 0 do
                stop <- stop + 1

            let length = stop - first

            if length >= shortest then
                for skipped in 0 .. min decoding.Starts length - 1 do
                    room[at] <- Gap
                    at <- decode decoding (text.AsSpan(first + skipped, length - skipped)) room (at + 1)

            first <- stop + 1

        at

    let private addGrams (width: int) (marks: Span<uint64>) (text: ReadOnlySpan<char>) =
        let mutable gram = 0UL

        for i in 0 .. text.Length - 1 do
            match symbol text[i] with
            | 0 ->
                if text[i] = Gap then
                    gram <- 0UL
            | symbol ->
                gram <- push width gram symbol

                if isWhole width gram then
                    let struct (one, other) = slots gram
                    mark marks one
                    mark marks other

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
        let marks =
            Span<uint64>(NativePtr.toVoidPtr (NativePtr.stackalloc<uint64> Words), Words)

        addGrams width marks text
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
                    let struct (one, other) = slots gram

                    if isMarked marks one && isMarked marks other && isWhole width gram then
                        passes <- not (hasGram width gram text)

        passes

    /// Compares plain texts, and what they decode to, with the secrets of this length or longer in a URL, from the given index
    /// on.
    let private areFree (texts: string list) (url: string) (first: int) (length: int) =
        let size = texts |> List.sumBy roomOf
        let room = Span<char>(NativePtr.toVoidPtr (NativePtr.stackalloc<char> size), size)
        let mutable at = 0

        for text in texts do
            room[at] <- Gap
            text.AsSpan().CopyTo(room.Slice(at + 1))
            at <- decodeAll base64 (shortestOf length base64) text room (at + 1 + text.Length)
            at <- decodeAll hex (shortestOf length hex) text room at

        let plain = at

        for text in texts do
            at <- decodeAll base64OfHex (shortestOf length base64OfHex) text room at

        sharesNothing Gram (Span.op_Implicit (room.Slice(0, plain))) url first
        && (at = plain
            || sharesNothing HexGram (Span.op_Implicit (room.Slice(plain, at - plain))) url first)

    /// True if none of the texts contains a secret of the URL behind the given index, or a part of one, in any spelling, and
    /// none needs to be redacted. False says nothing.
    let passes (url: string) (first: int) (texts: string list) : bool =
        let isPlain (text: string) =
            isPlain "+/-._\"" text
            && isDense text
            && not (text.Contains("/p/", StringComparison.OrdinalIgnoreCase))
            && not (NamedSecrets.mayNameScheme text)
            && not (CredentialForms.mayBeIn text)

        List.forall isPlain texts && areFree texts url first Secrets.Shortest

    /// True if a text, which may be an address, contains none of the values, and no part of one, in any spelling. False
    /// says nothing.
    let isFreeOf (values: string list) (text: string) : bool =
        isPlain "+/-._:" text
        && values
           |> List.forall (fun value ->
               isDense value
               && not (value.Contains '%')
               && areFree [ text ] value 0 value.Length)
