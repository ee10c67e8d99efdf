namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// Finds credentials in the words of commands: behind options, and behind names that programs give to passwords.
///
/// Rules that this module keeps:
/// - the value of an option with the name of a credential is one, and so is the password in `-u USER:PASSWORD`;
/// - `-p` has many meanings, so that a number, a path or a plain word behind it is not a credential. Neither is a plain
///   word behind an option or a name and a blank, where a sentence goes on: 'the option --token is required';
/// - names such as `pass` are words of prose, so that only the texts of programs that handle credentials are searched.
[<RequireQualifiedAccess>]
module internal CommandWords =

    /// What the names of options with a credential end with, besides those that name one everywhere.
    let private secretWords = [ "pat"; "pass"; "pwd"; "key"; "auth"; "pin"; "bearer" ]

    let private namesSecret (option: string) =
        let name = option.TrimStart('-').ToLowerInvariant()

        option.StartsWith '-'
        && (option = "-p"
            || NamedSecrets.isSecretName name
            || List.contains (name.Substring(name.LastIndexOfAny [| '-'; '_' |] + 1)) secretWords)

    let private namesUser (option: string) =
        option.Equals("-u", StringComparison.OrdinalIgnoreCase)
        || option.StartsWith "--" && option.EndsWith "user"

    let private isOf (characters: string) (value: string) =
        value.AsSpan().IndexOfAnyExcept characters < 0

    /// Numbers and what joins them: ports, ids of users.
    let private isNumber (value: string) = isOf "0123456789:." value

    /// The credential in the value of an option; empty for none.
    let secretIn (option: string) (value: string) : string =
        if option = "-p" && (isNumber value || value.Contains '/') then
            ""
        elif namesSecret option then
            value
        elif namesUser option then
            match value.IndexOf ':' with
            | at when at > 0 && not (isNumber value[at..] || value.Contains "://") -> value.Substring(at + 1)
            | _ -> ""
        else
            ""

    /// The most letters of a word of prose.
    [<Literal>]
    let private LongestWord = 15

    let private isWord (value: string) =
        value.Length <= LongestWord && value |> String.forall Char.IsAsciiLetterLower

    /// True for what stands for a value in the description of an option: `--token TOKEN`.
    let private isPlaceholder (option: string) (value: string) =
        value.StartsWith '<'
        || value.Length > 1
           && value
              |> String.forall (fun c -> Char.IsAsciiLetterUpper c || c = '_' || c = '-')
           && (option.Length = 2 || option.Contains(value, StringComparison.OrdinalIgnoreCase))

    let private mayBeSecret (option: string) (isBound: bool) (value: string) =
        not (isPlaceholder option value || value.StartsWith '-')
        && not (isWord value && (option = "-p" || not isBound))

    /// Words, in lower case, that are the values of `pass` and the like in a count or a result.
    let private results = [ "true"; "false"; "yes"; "no"; "on"; "off"; "ok"; "none"; "null" ]

    /// A value in quotes, or one word.
    let private value =
        @"(?:""(?<value>[^""\r\n]{1,200})""|'(?<value>[^'\r\n]{1,200})'|(?<value>[^\s""']+))"

    let private regex (pattern: string) =
        lazy (Regex(pattern, RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant))

    /// An option and its value, also in a list of words: `['curl', '-u', 'user:password']`.
    let private options =
        regex (
            @"(?<![^\s""'`(\[{,=])(?<name>--?[a-z](?>[a-z0-9_-]{0,40}))(?<between>[""']?(?:=|[ \t]{0,8},[ \t]{0,8}|[ \t]{1,8}))(?![""']?-)"
            + value
        )

    let private named =
        regex (
            @"(?<![a-z0-9])(?<name>(?-i:[A-Z]{2,12}PASS)|pass|passcode|pat|pin|pw)[""']?[ \t]?(?<between>[=:])[ \t]?"
            + value
        )

    let private prose =
        regex (
            @"(?<![a-z0-9_-])(?:password|passwd|passphrase|passcode|pass|pwd|pw)[ \t]{1,4}(?:(?:is|was)[ \t]{1,4})?[(]?"
            + value
        )

    /// A password without its name has a letter and a digit.
    let private looksLikePassword (value: string) =
        value.Length >= Secrets.Shortest
        && not (value.StartsWith '/')
        && Seq.exists Char.IsAsciiDigit value
        && Seq.exists Char.IsAsciiLetter value

    /// The text without the credentials. Those of a kept text are names, and stay.
    let mask (kept: string list) (text: string) : string =
        let ranges = ResizeArray()

        let add (at: int) (secret: string) =
            if not (kept |> List.exists _.Contains(secret, StringComparison.Ordinal)) then
                ranges.Add struct (at, at + secret.Length)

        /// The value of a match, without what ends a sentence behind it.
        let valueOf (found: Match) =
            found.Groups["value"].Value.TrimEnd([| '.'; ','; ';'; ')'; ']' |])

        for found in options.Value.Matches text do
            let option = found.Groups["name"].Value
            let first = found.Groups["value"].Index
            let isQuoted = text[first - 1] = '"' || text[first - 1] = '\''
            let isBound = isQuoted || found.Groups["between"].Value.Contains '='
            let word = valueOf found
            let secret = secretIn option word

            if secret <> "" && mayBeSecret option isBound word then
                add (first + word.Length - secret.Length) secret

        for found in named.Value.Matches text do
            let word = valueOf found
            let isProse = found.Groups["between"].Value = ":" && isWord word

            if
                not (
                    isProse
                    || isNumber word && word.Length < 4
                    || List.contains (word.ToLowerInvariant()) results
                )
            then
                add found.Groups["value"].Index word

        for found in prose.Value.Matches text do
            if looksLikePassword (valueOf found) then
                add found.Groups["value"].Index (valueOf found)

        Secrets.maskRanges ranges text
