namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// Where an effective value came from.
[<RequireQualifiedAccess>]
type Origin =
    /// The environment variable of this name.
    | Variable of Name: string
    /// The cell spec, or a host's configuration below `export`.
    | Spec
    /// The program's own source of URLs.
    | Provider
    /// The setting is not set.
    | Default

/// One setting as it holds, fit to be shown: without secrets.
type EffectiveValue = {
    /// The setting's name, in camelCase.
    Name: string
    /// The value that holds, as it may be shown.
    Value: string
    /// Where it came from.
    Origin: Origin
    /// The environment variable that would set it; `None` if none does.
    Variable: string option
}

/// A value that was read, what to show of it, and what was noticed on the way.
type internal Reading<'a> = {
    Value: 'a
    Effective: EffectiveValue
    Findings: Finding list
}

/// Values of environment variables.
///
/// Rules that this module keeps:
/// - unset, empty and blank are the same;
/// - what cannot be read gives the default and a warning, never a failure;
/// - what is shown of a bad value is short and plain: somebody may have put a URL there.
[<RequireQualifiedAccess>]
module internal EnvironmentReader =

    /// The value without blanks around it, if there is one.
    let tryRead (lookup: string -> string option) (variable: string) =
        lookup variable
        |> Option.bind (fun value ->
            match (value: string | null) with
            | NonNull value when not (String.IsNullOrWhiteSpace value) -> Some(value.Trim())
            | _ -> None)

    /// The variable that holds: the target's own if it is set or there is no shared one in use.
    let chosen lookup (name: TargetName option) (stem: string) (shared: string) =
        match name with
        | None -> shared
        | Some name ->
            let own = Variable.forTarget name stem

            if (tryRead lookup own).IsNone && (tryRead lookup shared).IsSome then
                shared
            else
                own

    /// A whole number of ASCII digits from `least` to `most`.
    let wholeNumber (least: int64) (most: int64) (value: string) =
        let digits = value.Trim()

        match Int64.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture) with
        // .NET takes NUL characters at the end.
        | true, number when least <= number && number <= most && not (digits.EndsWith '\000') -> Some number
        | _ -> None

    /// At most 15 plain characters are shown of a value that is wrong.
    let private shown (value: string) =
        let isPlain c =
            Char.IsAsciiLetterOrDigit c
            || c = '.'
            || c = ','
            || c = '-'
            || c = '+'
            || c = '_'
            || c = ' '

        if value.Length <= 15 && String.forall isPlain value then
            $"'{value}'"
        else
            $"a text of {value.Length} characters"

    let private warning id target variable what remedy = {
        Id = id
        Severity = Severity.Warning
        Target = target |> Option.map TargetName.value
        Variable = variable
        What = what
        Remedy = remedy
    }

    /// Reads one setting: `parse` gives `None` for what is wrong, `wrong` the finding for it.
    let inline private read
        lookup
        name
        (variable: string)
        ([<InlineIfLambda>] render: 'a -> string)
        (whenUnset: 'a)
        ([<InlineIfLambda>] parse: string -> 'a option)
        ([<InlineIfLambda>] wrong: string -> Finding)
        =
        let text = tryRead lookup variable
        let parsed = text |> Option.bind parse
        let value = parsed |> Option.defaultValue whenUnset

        {
            Value = value
            Effective = {
                Name = name
                Value = render value
                Origin = if parsed.IsSome then Origin.Variable variable else Origin.Default
                Variable = Some variable
            }
            Findings =
                match text with
                | Some text when parsed.IsNone -> [ wrong text ]
                | _ -> []
        }

    let private renderNumber (unit: string) (value: int64 option) =
        match value with
        | Some number -> number.ToString CultureInfo.InvariantCulture + unit
        | None -> "none"

    /// A number, or a word that means none at all.
    let optionalNumber lookup target name variable unit least most (never: string option) whenUnset =
        let isNever (text: string) =
            never
            |> Option.exists (fun word -> word.Equals(text, StringComparison.OrdinalIgnoreCase))

        let parse (text: string) =
            if isNever text then
                Some None
            else
                wholeNumber least most text |> Option.map Some

        let orNever =
            match never with
            | Some word -> $", or '{word}'"
            | None -> ""

        read lookup name variable (renderNumber unit) whenUnset parse (fun text ->
            warning
                FindingId.InvalidNumber
                target
                variable
                $"{shown text} is not an integer from {least} to {most}{orNever}; using the default ({renderNumber unit whenUnset})"
                "Correct it, or leave it out.")

    /// A number that there always is.
    let number lookup target name variable unit least most (whenUnset: int64) =
        let reading =
            optionalNumber lookup target name variable unit least most None (Some whenUnset)

        {
            Value = reading.Value |> Option.defaultValue whenUnset
            Effective = reading.Effective
            Findings = reading.Findings
        }

    /// One of some words, which may be written in any case.
    let choice lookup target name variable (words: string list) (whenUnset: string) : Reading<string> =
        let parse (text: string) =
            let rec among (words: string list) =
                match words with
                | [] -> None
                | word :: _ when word.Equals(text, StringComparison.OrdinalIgnoreCase) -> Some word
                | _ :: others -> among others

            among words

        read lookup name variable id whenUnset parse (fun text ->
            let words = String.Join(", ", words)

            warning
                FindingId.InvalidChoice
                target
                variable
                $"{shown text} is not one of {words}; using the default ({whenUnset})"
                "Correct it, or leave it out.")

    /// `1` or `0`; `true` and `false`, `yes` and `no`, `on` and `off` are taken as well. The value is false where
    /// the variable is not set, and `shownUnset` is what reports show then.
    let flag lookup target name variable (shownUnset: string) : Reading<bool> =
        let words = [ "1"; "0"; "true"; "false"; "yes"; "no"; "on"; "off" ]
        let reading = choice lookup target name variable words shownUnset

        {
            Value =
                match reading.Value with
                | "1"
                | "true"
                | "yes"
                | "on" -> true
                | _ -> false
            Effective = reading.Effective
            Findings = reading.Findings
        }

    /// The same, where another word counts as `1`, with a warning: a person who sets the variable wants what it does.
    let cautiousFlag lookup target name variable (whenUnset: string) : Reading<bool> =
        let reading = flag lookup target name variable whenUnset

        match reading.Findings with
        | [] -> reading
        | findings -> {
            Value = true
            Effective = {
                reading.Effective with
                    Value = "1"
                    Origin = Origin.Variable variable
            }
            Findings = [
                for finding in findings do
                    {
                        finding with
                            What = finding.What.Replace($"using the default ({whenUnset})", "it counts as 1")
                    }
            ]
          }

    /// A file's path: never a URL or the content of a file, which would be a credential in the wrong place. An error says what
    /// the value is.
    let path (value: string) : Result<string, string> =
        match FilePath.certainProblem value with
        | Some problem -> Error problem
        | None -> Ok value
