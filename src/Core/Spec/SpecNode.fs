namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// A document as a reader of YAML or JSON found it, before anybody asks what it means. Lines count from 1; 0
/// where they are unknown.
[<RequireQualifiedAccess>]
type SpecNode =
    /// `IsPlain`: without quotes, so that it may be a number, a truth value or nothing.
    | Scalar of Line: int * Value: string * IsPlain: bool
    /// A list.
    | Sequence of Line: int * Items: SpecNode[]
    /// Keys in the order of the document.
    | Mapping of Line: int * Entries: struct (string * SpecNode)[]

    /// Where it begins.
    member this.StartLine =
        match this with
        | Scalar(line, _, _)
        | Sequence(line, _)
        | Mapping(line, _) -> line

/// Rules that this module keeps (YAML 1.2.2, 10.3.2 "Core schema"): what has quotes is a text; what has no quotes
/// may be nothing, a truth value or a number, and is a text only if it is not one of these.
[<RequireQualifiedAccess>]
module internal SpecNode =

    let private matches (pattern: string) (value: string) =
        Regex.IsMatch(value, pattern, RegexOptions.CultureInvariant)

    let private isNothing (value: string) =
        match value with
        | ""
        | "~"
        | "null"
        | "Null"
        | "NULL" -> true
        | _ -> false

    let private isTruth (value: string) =
        match value with
        | "true"
        | "True"
        | "TRUE"
        | "false"
        | "False"
        | "FALSE" -> true
        | _ -> false

    /// Most texts are none by their first character: a pattern costs more than all the rest of a small spec.
    let private mayBeNumber (value: string) =
        value <> ""
        && (Char.IsAsciiDigit value[0] || value[0] = '-' || value[0] = '+' || value[0] = '.')

    let private isNumber (value: string) =
        mayBeNumber value
        && (matches @"\A([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\z" value
            || matches @"\A[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z" value
            || matches @"\A([-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)\z" value)

    /// Nothing: `key:`, `key: ~`, `key: null`.
    let (|Nothing|_|) (node: SpecNode) =
        match node with
        | SpecNode.Scalar(_, value, true) when isNothing value -> Some()
        | _ -> None

    let (|Text|_|) (node: SpecNode) =
        match node with
        | SpecNode.Scalar(_, value, false) -> Some value
        | SpecNode.Scalar(_, value, true) when not (isNothing value || isTruth value || isNumber value) ->
            Some value
        | _ -> None

    /// What it is, with its article.
    let kind (node: SpecNode) =
        match node with
        | SpecNode.Sequence _ -> "a list"
        | SpecNode.Mapping _ -> "a mapping"
        | Nothing -> "empty"
        | Text _ -> "a text"
        | SpecNode.Scalar(_, value, _) when isTruth value -> "a truth value"
        | _ -> "a number"

    let lineOf (node: SpecNode) =
        match node.StartLine with
        | line when line > 0 -> Some line
        | _ -> None
