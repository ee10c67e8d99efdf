namespace CellOS.Export.S3.Core

open System
open System.Text

/// A program that gives URLs, with its arguments. Arguments may be credentials: `ToString` shows the program only.
[<Sealed>]
type UrlCommand internal (program: string, arguments: string list) =
    /// The program: a path, or a name that is looked up in `PATH`.
    member _.Program = program

    /// The arguments, as the program gets them.
    member _.Arguments = arguments

    override _.Equals other =
        match other with
        | :? UrlCommand as other -> other.Program = program && other.Arguments = arguments
        | _ -> false

    override _.GetHashCode() = HashCode.Combine(program, arguments)

    /// The program without what follows a blank or `=`: a whole command, or a variable, may be in its place.
    override _.ToString() =
        let shown =
            match program.IndexOfAny [| ' '; '\t'; '\r'; '\n'; '=' |] with
            | -1 -> FilePath.show program
            | stop -> FilePath.show (program.Substring(0, stop)) + "…"

        match arguments.Length with
        | 0 -> shown
        | 1 -> $"{shown} (1 argument)"
        | many -> $"{shown} ({many} arguments)"

/// Reads commands from one line of text, without a shell.
///
/// Rules that this module keeps (POSIX.1-2017, Shell Command Language, 2.2, as far as there is no shell):
/// - blanks separate words; words may be empty if they are quoted;
/// - single quotes keep every character; double quotes keep every character but the backslash before `"` and `\`;
/// - outside quotes a backslash keeps the next character;
/// - what a shell would act on is refused, not passed on: variables, pipes, redirections, several commands.
[<RequireQualifiedAccess>]
module UrlCommand =

    let private refuse problem remedy =
        Check.refuse "URL command" problem remedy

    let private isBlank c =
        c = ' ' || c = '\t' || c = '\n' || c = '\r'

    /// What has a meaning to a shell outside quotes.
    let private isOperator c =
        match c with
        | '|'
        | '&'
        | ';'
        | '<'
        | '>'
        | '('
        | ')'
        | '$'
        | '`' -> true
        | _ -> false

    let private operatorRefused (c: char) =
        refuse
            $"contains an unquoted '{c}', and no shell runs it"
            "Put it in single quotes if it belongs to an argument, or name a shell: sh -c '…'."

    let private expansionRefused (c: char) =
        refuse
            $"contains a '{c}' in double quotes, and no shell replaces it"
            "Put it in single quotes if it belongs to an argument, or name a shell: sh -c '…'."

    let private unclosed (quote: string) =
        refuse $"has a {quote} without its end" "Close it."

    [<RequireQualifiedAccess>]
    type private Quote =
        | None
        | Single
        | Double

    /// Returns the words of a line.
    [<CompiledName("Words")>]
    let words (line: string) : Result<string list, Refusal> =
        let words = ResizeArray<string>()
        let word = StringBuilder()

        // A word has begun: an empty one, if nothing follows.
        let rec from (i: int) (quote: Quote) (begun: bool) =
            if i >= line.Length then
                match quote with
                | Quote.Single -> unclosed "single quote"
                | Quote.Double -> unclosed "double quote"
                | Quote.None ->
                    if begun then
                        words.Add(word.ToString())

                    Ok(List.ofSeq words)
            else
                let c = line[i]
                let next = if i + 1 < line.Length then ValueSome line[i + 1] else ValueNone

                match quote, c, next with
                | Quote.Single, '\'', _ -> from (i + 1) Quote.None true
                | Quote.Double, '"', _ -> from (i + 1) Quote.None true
                | Quote.Double, '\\', ValueSome('"' | '\\' | '$' | '`' as escaped) ->
                    word.Append escaped |> ignore
                    from (i + 2) quote true
                | Quote.Double, ('$' | '`'), _ -> expansionRefused c
                | Quote.None, '\'', _ -> from (i + 1) Quote.Single true
                | Quote.None, '"', _ -> from (i + 1) Quote.Double true
                | Quote.None, '\\', ValueSome escaped ->
                    word.Append escaped |> ignore
                    from (i + 2) quote true
                | Quote.None, '\\', ValueNone -> unclosed "backslash"
                | Quote.None, c, _ when isBlank c ->
                    if begun then
                        words.Add(word.ToString())
                        word.Clear() |> ignore

                    from (i + 1) quote false
                | Quote.None, c, _ when isOperator c -> operatorRefused c
                | _ ->
                    word.Append c |> ignore
                    from (i + 1) quote true

        from 0 Quote.None false

    /// True for `NAME=value`: a shell would set the variable for the program.
    let private isAssignment (program: string) : bool =
        match program.IndexOf '=' with
        | at when at > 0 ->
            not (Char.IsAsciiDigit program[0])
            && program.Substring(0, at)
               |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '_')
        | _ -> false

    /// Returns the command of these words: a program, and its arguments.
    [<CompiledName("Create")>]
    let create (words: string seq) : Result<UrlCommand, Refusal> =
        match List.ofSeq words with
        | []
        | "" :: _ -> refuse "names no program" "Give a program and its arguments."
        | program :: _ when program.StartsWith '~' ->
            refuse
                "begins with '~', and no shell replaces it"
                "Give the program's absolute path, or a name that is found in PATH."
        | words when words |> List.exists (fun word -> word.Contains '\000') ->
            refuse "contains a NUL character" "Remove it."
        | program :: _ when isAssignment program ->
            refuse
                "begins with a value for a variable, and no shell sets it"
                "Write 'env NAME=… program', or let the program read the value from a file."
        | program :: _ when Redaction.looksLikeUrl program ->
            refuse
                $"is a URL ({Check.quote program})"
                "Give a program and its arguments. A broker's URL belongs into BROKER_URL."
        | program :: arguments -> Ok(UrlCommand(program, arguments))

    /// Returns the command in a line of text, or why it cannot be run.
    [<CompiledName("Parse")>]
    let parse (line: string) : Result<UrlCommand, Refusal> = words line |> Result.bind create

    /// What may be a credential in a word of a command. In a script, only what looks random is.
    let private secretsIn (word: string) : string list =
        if word.AsSpan().IndexOfAny(" \t\r\n") >= 0 then
            SecretParts.ofValue word |> List.filter CredentialForms.isCredential
        elif word.Contains "://" then
            Redaction.secretsOf word
        else
            SecretParts.ofValue (word.Replace('=', ' ') + " ")

    /// Returns the secrets in the arguments of a command, and in its program if a whole command is in its place.
    let internal secrets (command: UrlCommand) : string list =
        let words =
            (command.Program.Split ' ' |> List.ofArray |> List.tail) @ command.Arguments

        [
            for before, word in List.pairwise ("" :: words) do
                CommandWords.secretIn before word

                match word.IndexOf '=' with
                | at when at > 0 -> CommandWords.secretIn (word.Substring(0, at)) (word.Substring(at + 1))
                | _ -> ()

                yield! secretsIn word
        ]

    /// Returns what to do if the program could not be started.
    [<CompiledName("StartAdvice")>]
    let startAdvice (command: UrlCommand) : string =
        if (string command).StartsWith Redaction.Mask then
            "The value looks like a credential, not like a program. Give the path of a program, which may read the credential from a file."
        elif command.Program.Contains ' ' then
            "The name of the program contains a space: if quotes are around the whole command, remove them. Otherwise check the program's path, and that this user may execute it."
        else
            "Check the program's path, and that this user may execute it."
