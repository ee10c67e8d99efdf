namespace CellOS.Export.S3.Core

open System

/// What texts have in common, whatever is between it: four letters or digits in a row, of a text or of what it decodes to, and
/// three octets in a row, which Base64 denotes.
[<RequireQualifiedAccess>]
module internal SecretGrams =

    /// The most of six characters in a row that are neither letters nor digits.
    [<Literal>]
    let MostOthers = 2

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
    let symbol (c: char) = valueIn symbols 0 c

    /// The letters and digits that are compared at once, of six bits each.
    let push (gram: int) (symbol: int) = ((gram <<< 6) ||| symbol) &&& 0xFFFFFF

    /// True if there are four of them.
    let isWhole (gram: int) = gram >>> 18 <> 0

    /// Three octets in a row, which are never 0.
    let ofOctets (octets: int) = (octets &&& 0xFFFFFF) ||| 0x1000000

    /// Where a gram is in a set, or the free place for it. The length of a set is a power of two, and it is never full.
    let private placeOf (set: Span<int>) (gram: int) : int =
        let mutable place = int ((uint32 gram * 2654435769u) >>> 16) &&& (set.Length - 1)

        while set[place] <> 0 && set[place] <> gram do
            place <- (place + 1) &&& (set.Length - 1)

        place

    let add (set: Span<int>) (gram: int) = set[placeOf set gram] <- gram

    let isIn (set: Span<int>) (gram: int) = set[placeOf set gram] <> 0

    let private addPlain (set: Span<int>) (text: string) =
        let mutable gram = 0

        for i in 0 .. text.Length - 1 do
            match symbol text[i] with
            | 0 -> ()
            | symbol ->
                gram <- push gram symbol

                if isWhole gram then
                    add set gram

    /// How runs of digits are decoded.
    type private Decoding = {
        /// The value of each digit.
        Digits: int[]
        /// The bits of a digit.
        Bits: int
        /// The digits at which the secret may begin.
        Starts: int
        /// The digits that have four octets, and the bits that they have besides.
        Four: struct (int * int)
    }

    let private base64 = {
        Digits = sextets
        Bits = 6
        Starts = 4
        Four = struct (6, 4)
    }

    let private hex = {
        Digits = nibbles
        Bits = 4
        Starts = 2
        Four = struct (8, 0)
    }

    let private isAscii (octet: int) = octet >= 0x20 && octet < 0x7F

    /// True if each of four octets is an ASCII character, or a zero of UTF-16.
    let private areAscii (octets: uint32) : bool =
        let mutable rest = octets

        if octets &&& 0x80808080u <> 0u then
            rest <- 1u

        while rest <> 0u && (rest &&& 0xFFu = 0u || isAscii (int (rest &&& 0xFFu))) do
            rest <- rest >>> 8

        rest = 0u

    /// The digits of a run, as bits, at which `Secrets.Shortest` ASCII characters may begin: four of them begin with a digit,
    /// wherever the first one does.
    let private startsIn (decoding: Decoding) (text: string) : int =
        let digits = decoding.Digits
        let struct (count, others) = decoding.Four
        let mutable run = 0
        let mutable value = 0UL
        let mutable starts = 0

        let mutable zeros = 0
        let mutable i = 0

        while i <= text.Length do
            let digit = if i < text.Length then valueIn digits -1 text[i] else -1

            if digit < 0 && (run = 0 || zeros = 2) then
                run <- 0
                zeros <- 0
                i <- i + 1
            else
                // Zero bits complete the last octet.
                if digit < 0 then zeros <- zeros + 1 else i <- i + 1

                value <- (value <<< decoding.Bits) ||| uint64 (max digit 0)
                run <- run + 1

                if run >= count && areAscii (uint32 (value >>> others)) then
                    starts <- starts ||| (1 <<< (run - count) % decoding.Starts)

        starts

    /// Adds the grams of what the runs of a text decode to from a digit of each run on, where that is `Secrets.Shortest` ASCII
    /// characters in a row or more, or the same in UTF-16.
    let private addFrom (start: int) (decoding: Decoding) (set: Span<int>) (text: string) =
        let mutable run = 0
        let mutable value = 0
        let mutable have = 0
        let mutable characters = 0
        let mutable last = 0UL

        for i in 0 .. text.Length do
            let digit = if i < text.Length then valueIn decoding.Digits -1 text[i] else -1

            // Zero bits complete the last octet.
            if digit >= 0 || run > start then
                run <- run + 1

                if run > start then
                    value <- (value <<< decoding.Bits) ||| max digit 0
                    have <- have + decoding.Bits

                if have >= 8 then
                    have <- have - 8
                    let octet = (value >>> have) &&& 0xFF

                    if isAscii octet then
                        characters <- characters + 1
                        let symbol = symbols[octet]

                        if symbol <> 0 then
                            last <- (last <<< 6) ||| uint64 symbol

                        // With those before it.
                        for n in 0 .. (if characters = Secrets.Shortest then MostOthers else 0) do
                            let gram = int (last >>> (6 * n)) &&& 0xFFFFFF

                            if characters >= Secrets.Shortest && isWhole gram then
                                add set gram
                    elif octet <> 0 then
                        characters <- 0
                        last <- 0UL

            if digit < 0 then
                run <- 0
                have <- 0
                characters <- 0
                last <- 0UL

    /// The same from each digit that may be the beginning.
    let private addDecoded (decoding: Decoding) (set: Span<int>) (text: string) =
        let starts = startsIn decoding text

        for start in 0 .. decoding.Starts - 1 do
            if starts &&& (1 <<< start) <> 0 then
                addFrom start decoding set text

    /// Adds the grams of a text, and of what it decodes to.
    let addAll (set: Span<int>) (text: string) =
        addPlain set text
        addDecoded base64 set text
        addDecoded hex set text

    /// The places of a set for texts of this length: twice what is added for a character (itself, three that Base64 decodes to,
    /// and one of hexadecimal digits), as a power of two.
    let placesFor (length: int) =
        int (Numerics.BitOperations.RoundUpToPowerOf2(uint32 (10 * length + 16)))

    /// True if none of the octets that Base64 in a text denotes, wherever it begins, are three in a row of the set.
    let denotesNothing (octets: Span<int>) (text: string) : bool =
        let mutable run = 0
        let mutable value = 0
        let mutable passes = true

        // Zero bits complete the last octet.
        for i in 0 .. text.Length do
            let digit = if i < text.Length then valueIn sextets -1 text[i] else -1

            if digit >= 0 || run > 0 then
                run <- run + 1
                value <- (value <<< 6) ||| max digit 0

                if run >= 4 && isIn octets (ofOctets value) then
                    passes <- false

                if
                    run > 4
                    && (isIn octets (ofOctets (value >>> 2)) || isIn octets (ofOctets (value >>> 4)))
                then
                    passes <- false

            if digit < 0 then
                run <- 0

        passes
