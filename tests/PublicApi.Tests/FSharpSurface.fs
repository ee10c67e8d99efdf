/// The public surface of an assembly of F#, in the terms of F#: unions, records, modules.
module PublicApi.Tests.FSharpSurface

open System
open System.Reflection
open Microsoft.FSharp.Reflection
open PublicApi.Tests.Parts
open PublicApi.Tests.TypeText

let private is (kind: SourceConstructFlags) (it: MemberInfo) =
    it.GetCustomAttributes<CompilationMappingAttribute> false
    |> Seq.exists (fun found -> found.SourceConstructFlags &&& SourceConstructFlags.KindMask = kind)

let isModule (t: Type) = is SourceConstructFlags.Module t

/// The name in the source, and the compiled one if it is another.
let private sourceName (it: MemberInfo) =
    match it.GetCustomAttribute<CompilationSourceNameAttribute>() with
    | null -> it.Name, ""
    | found when found.SourceName = it.Name -> it.Name, ""
    | found -> found.SourceName, $" (compiled {it.Name})"

/// A module beside a type of its name is compiled with `Module` behind it.
let private nameOfType (t: Type) =
    let name = shortName t

    let suffix = "Module"

    if
        isModule t
        && name.EndsWith suffix
        && t.Assembly.GetType((nonNull t.FullName).Substring(0, (nonNull t.FullName).Length - suffix.Length))
           <> null
    then
        name.Substring(0, name.Length - suffix.Length)
    else
        name

let private generic (arguments: Type[]) =
    match arguments with
    | [||] -> ""
    | arguments -> $"""<{arguments |> Array.map (plain FSharp) |> String.concat ", "}>"""

let private parameter (it: ParameterInfo) =
    let optional =
        it.CustomAttributes
        |> Seq.exists (fun found -> found.AttributeType.Name = "OptionalArgumentAttribute")

    match it.Name with
    | null
    | "" -> parameterText FSharp it
    | name -> $"""{if optional then "?" else ""}{name}: {parameterText FSharp it}"""

/// The parameters in the groups that they are curried in, and what comes of them.
let private signature (it: MethodInfo) =
    let listed = it.GetParameters() |> Array.map parameter |> List.ofArray

    let counts =
        match it.GetCustomAttribute<CompilationArgumentCountsAttribute>() with
        | null -> [ listed.Length ]
        | found -> List.ofSeq found.Counts

    let rec groups counts (rest: string list) =
        match counts with
        | [] -> []
        | count :: counts ->
            let group = List.truncate count rest
            let shown = if group.IsEmpty then "unit" else String.concat " * " group
            shown :: groups counts (List.skip group.Length rest)

    String.concat " -> " (groups counts listed @ [ returnText FSharp it ])

let private methodLine (owner: string) (word: string) (it: MethodInfo) =
    let name, compiled = sourceName it

    let arguments = if it.IsGenericMethod then it.GetGenericArguments() else [||]

    name,
    withAttributes
        it
        $"{word}{owner}.{name}{generic arguments}{compiled}: {signature it}{constraintsOf FSharp arguments}"

let private isAccessor (it: MethodInfo) =
    it.Name.StartsWith "get_" || it.Name.StartsWith "set_"

let private moduleLines (t: Type) =
    let owner = nameOfType t

    ordered [
        for it in t.GetMethods every do
            if it.IsPublic && isWritten it && not (isAccessor it) then
                methodLine owner "val " it
        for it in t.GetProperties every do
            if (it.GetAccessors()).Length > 0 && isWritten it then
                let name, compiled = sourceName it
                let mutating = if it.CanWrite then "mutable " else ""
                name, withAttributes it $"val {mutating}{owner}.{name}{compiled}: {propertyText FSharp it}"
        for it in t.GetFields every do
            if it.IsPublic && it.IsLiteral then
                let value = valueText FSharp it.FieldType (it.GetRawConstantValue())
                it.Name, withAttributes it $"literal {owner}.{it.Name} = {value}: {fieldText FSharp it}"
    ]

let private unionLines (t: Type) = [
    for case in FSharpType.GetUnionCases t do
        let fields =
            case.GetFields() |> Array.map (fun it -> $"{it.Name}: {propertyText FSharp it}")

        match fields with
        | [||] -> $"case {nameOf t}.{case.Name}"
        | fields -> $"""case {nameOf t}.{case.Name} of {String.concat " * " fields}"""
]

/// Their order is that of the constructor's parameters.
let private recordLines (t: Type) = [
    for field in FSharpType.GetRecordFields t -> $"field {nameOf t}.{field.Name}: {propertyText FSharp field}"
]

/// What was written as a member: neither a case, nor a field, nor made by the compiler.
let private memberLines (t: Type) =
    let isUnion = FSharpType.IsUnion t
    let isRecord = FSharpType.IsRecord t

    let word (it: MethodBase) =
        if it.IsStatic then "static member "
        elif it.IsAbstract then "abstract "
        else "member "

    let special = Set.ofList [ "CompareTo"; "Equals"; "GetHashCode" ]

    let isCompared (it: MethodInfo) =
        special.Contains it.Name && not (has<CustomEqualityAttribute> t)

    ordered [
        for it in t.GetConstructors every do
            if it.IsPublic && isWritten it && not (isRecord || isUnion) then
                let listed = it.GetParameters() |> Array.map parameter |> String.concat " * "
                "new", $"new {nameOf t}: {listed}"
        for it in t.GetMethods every do
            if
                it.IsPublic
                && isWritten it
                && not (isAccessor it)
                && not (isCompared it)
                && not (is SourceConstructFlags.UnionCase it)
            then
                methodLine (nameOf t) (word it) it
        for it in t.GetProperties every do
            let shown = it.GetAccessors()

            if
                shown.Length > 0
                && isWritten it
                && isWritten shown[0]
                && not (is SourceConstructFlags.Field it)
                && not (is SourceConstructFlags.UnionCase it)
                && not (isUnion && it.Name = "Tag")
            then
                let settable =
                    if shown |> Array.exists (fun one -> one.ReturnType = typeof<Void>) then
                        ", set"
                    else
                        ""

                it.Name,
                withAttributes it $"{word shown[0]}{nameOf t}.{it.Name}{settable}: {propertyText FSharp it}"
    ]

/// What a compiler gives to unions and records by itself.
let private isStructural (it: Type) =
    it.Name.StartsWith "IStructural"
    || it.Name.StartsWith "IComparable"
    || it.Name.StartsWith "IEquatable"

let private header (t: Type) =
    let space = nonNull t.Namespace
    let arguments = t.GetGenericArguments()

    let name =
        $"{space}.{nameOfType t}{generic arguments}{constraintsOf FSharp arguments}"

    let ancestors =
        match ancestorsOf FSharp isStructural t with
        | [] -> ""
        | found -> $""" : {String.concat ", " found}"""

    let compared =
        if t.IsAssignableTo typeof<IComparable> && not t.IsEnum then
            ", comparable"
        else
            ""

    if isModule t then
        $"module {name}"
    elif FSharpType.IsUnion t then
        $"union {name}{ancestors}{compared}"
    elif FSharpType.IsRecord t then
        $"record {name}{ancestors}{compared}"
    else
        // A union or record whose representation is private is no more than this to others.
        let kind =
            if t.IsValueType then "struct"
            elif t.IsAbstract then "abstract class"
            else "class"

        $"{kind} {name}{ancestors}{compared}"

/// Whether the lines of another type tell all of it.
let isImplied (t: Type) =
    match t.DeclaringType with
    | null -> false
    | outer ->
        FSharpType.IsUnion(outer, true)
        && (t.Name = "Tags" || t.BaseType = outer || t.Name.StartsWith '_')

/// The type, and indented below it its members.
let linesOf (t: Type) : string list =
    let lines =
        if isModule t then moduleLines t
        elif FSharpType.IsUnion t then unionLines t @ memberLines t
        elif FSharpType.IsRecord t then recordLines t @ memberLines t
        else memberLines t

    withAttributes t (header t) :: [ for line in lines -> $"  {line}" ]
