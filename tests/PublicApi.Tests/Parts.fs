/// What the two languages' surfaces share: which members count, attributes, constraints, values.
module PublicApi.Tests.Parts

open System
open System.Diagnostics.CodeAnalysis
open System.Globalization
open System.Reflection
open System.Runtime.CompilerServices
open PublicApi.Tests.TypeText

let every =
    BindingFlags.Public
    ||| BindingFlags.NonPublic
    ||| BindingFlags.Instance
    ||| BindingFlags.Static
    ||| BindingFlags.DeclaredOnly

let has<'a when 'a :> Attribute> (it: MemberInfo) = it.IsDefined(typeof<'a>, false)

/// What a compiler adds of itself says nothing: it follows from the kind of the type.
let isWritten (it: MemberInfo) =
    not (has<CompilerGeneratedAttribute> it) && not (it.Name.Contains '<')

/// Public, or protected in a class that may be inherited from outside.
let isShown (it: MethodBase) =
    it.IsPublic
    || (it.IsFamily || it.IsFamilyOrAssembly)
       && not (nonNull it.DeclaringType).IsSealed

let modifiers (it: MethodBase) = [
    if not it.IsPublic then
        "protected"
    if it.IsStatic then
        "static"
    match it with
    | :? MethodInfo as it when not (nonNull it.DeclaringType).IsInterface && it.IsVirtual ->
        let overrides = it.GetBaseDefinition().DeclaringType <> it.DeclaringType
        // An implementation of an interface is virtual and final, and no more than any method to a caller.
        if it.IsAbstract then
            "abstract"
        elif overrides then
            if it.IsFinal && not (nonNull it.DeclaringType).IsSealed then
                "sealed override"
            else
                "override"
        elif not it.IsFinal then
            "virtual"
    | _ -> ()
]

let private number (value: obj) =
    Convert.ToString(value, CultureInfo.InvariantCulture)

let rec valueText (language: Language) (t: Type) (value: obj | null) : string =
    match value with
    | null when not t.IsValueType || Nullable.GetUnderlyingType t <> null -> "null"
    | null -> "default"
    | :? string as text ->
        let escaped =
            text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\r", "\\r").Replace("\n", "\\n")

        $"\"{escaped}\""
    | :? bool as truth -> if truth then "true" else "false"
    | :? char as sign -> $"'{sign}'"
    | value when t.IsEnum ->
        match Enum.GetName(t, value) with
        | null -> $"({nameOf t}){number value}"
        | name -> $"{nameOf t}.{name}"
    | value ->
        match Nullable.GetUnderlyingType t with
        | null -> nonNull (number value)
        | inner -> valueText language inner value

/// The attributes that are part of the promise.
let attributesOf (it: MemberInfo) : string list = [
    if has<FlagsAttribute> it then
        "Flags"
    match it.GetCustomAttribute<ObsoleteAttribute>() with
    | null -> ()
    // The compiler's own, for compilers that know no required members.
    | said when (string said.Message).StartsWith "Constructors of types with required members" -> ()
    | said -> $"Obsolete(%A{said.Message}, %b{said.IsError})"
    match it.GetCustomAttribute<ExperimentalAttribute>() with
    | null -> ()
    | said -> $"Experimental(%A{said.DiagnosticId})"
    for name in
        [
            "RequireQualifiedAccessAttribute"
            "AutoOpenAttribute"
            "StructAttribute"
            "NoEqualityAttribute"
            "NoComparisonAttribute"
            "ReferenceEqualityAttribute"
            "CustomEqualityAttribute"
            "CustomComparisonAttribute"
            "SetsRequiredMembersAttribute"
        ] do
        if it.CustomAttributes |> Seq.exists (fun found -> found.AttributeType.Name = name) then
            name.Substring(0, name.Length - "Attribute".Length)
]

let private isUnmanaged (parameter: Type) =
    parameter.CustomAttributes
    |> Seq.exists (fun found -> found.AttributeType.Name = "IsUnmanagedAttribute")

/// ` where T : class, IThing, new()` for each parameter that has constraints.
let constraintsOf (language: Language) (parameters: Type[]) : string =
    parameters
    |> Seq.choose (fun parameter ->
        let flags = parameter.GenericParameterAttributes

        let words = [
            if isUnmanaged parameter then
                "unmanaged"
            elif flags.HasFlag GenericParameterAttributes.NotNullableValueTypeConstraint then
                "struct"
            if flags.HasFlag GenericParameterAttributes.ReferenceTypeConstraint then
                "class"
            for t in parameter.GetGenericParameterConstraints() do
                if t <> typeof<ValueType> then
                    plain language t
            if
                flags.HasFlag GenericParameterAttributes.DefaultConstructorConstraint
                && not (flags.HasFlag GenericParameterAttributes.NotNullableValueTypeConstraint)
            then
                "new()"
        ]

        match words with
        | [] -> None
        | words -> Some $""" where {plain language parameter} : {String.concat ", " words}""")
    |> String.concat String.Empty

/// Base class and interfaces, as far as they do not follow from each other or from the kind.
let ancestorsOf (language: Language) (implied: Type -> bool) (t: Type) : string list =
    let inherited =
        match t.BaseType with
        | null -> []
        | ancestor -> ancestor :: List.ofArray (ancestor.GetInterfaces())

    let all = t.GetInterfaces() |> Array.filter (fun it -> it.IsVisible)

    let direct =
        all
        |> Array.filter (fun it ->
            not (List.contains it inherited)
            && not (all |> Array.exists (fun other -> other.GetInterfaces() |> Array.contains it))
            && not (implied it))

    [
        match t.BaseType with
        | null -> ()
        | ancestor when
            ancestor = typeof<obj>
            || ancestor = typeof<ValueType>
            || ancestor = typeof<Enum>
            ->
            ()
        | ancestor -> plain language ancestor
        yield!
            direct
            |> Array.map (plain language)
            |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))
    ]

let withAttributes (it: MemberInfo) (text: string) =
    match attributesOf it with
    | [] -> text
    | found -> $"""[{String.concat ", " found}] {text}"""

/// The lines of a type's members, each with the member's name, in their stable order.
let ordered (lines: (string * string) list) =
    lines
    |> List.sortWith (fun (name, line) (otherName, otherLine) ->
        match String.CompareOrdinal(name, otherName) with
        | 0 -> String.CompareOrdinal(line, otherLine)
        | order -> order)
    |> List.map snd
