/** The icons of the program: one size, one stroke, always beside a word or with a label on their control. */
import {
  Activity,
  ArrowUpDown,
  Bell,
  BookOpen,
  BriefcaseBusiness,
  Calendar,
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  CircleCheck,
  Clock,
  CloudOff,
  Copy,
  ExternalLink,
  FileText,
  FlaskConical,
  House,
  Image,
  Info,
  Keyboard,
  Lock,
  LogOut,
  type LucideIcon,
  type LucideProps,
  Microscope,
  Minus,
  Monitor,
  MoveHorizontal,
  OctagonAlert,
  Pencil,
  Pill,
  Plus,
  Radiation,
  RotateCcw,
  Scissors,
  Search,
  Settings,
  ShieldAlert,
  Signature,
  Sun,
  Target,
  TriangleAlert,
  Undo2,
  UserRound,
  Users,
  X,
} from 'lucide-react';

const drawn = {
  activity: Activity,
  allergy: ShieldAlert,
  back: ChevronLeft,
  bell: Bell,
  board: Users,
  book: BookOpen,
  calendar: Calendar,
  cases: BriefcaseBusiness,
  check: Check,
  clock: Clock,
  close: X,
  copy: Copy,
  danger: OctagonAlert,
  document: FileText,
  down: ChevronDown,
  flask: FlaskConical,
  home: House,
  image: Image,
  info: Info,
  keyboard: Keyboard,
  locked: Lock,
  microscope: Microscope,
  minus: Minus,
  monitor: Monitor,
  next: ChevronRight,
  offline: CloudOff,
  ok: CircleCheck,
  out: ExternalLink,
  pen: Pencil,
  person: UserRound,
  pill: Pill,
  plus: Plus,
  question: CircleAlert,
  radiation: Radiation,
  reload: RotateCcw,
  scalpel: Scissors,
  search: Search,
  settings: Settings,
  sign: Signature,
  signOut: LogOut,
  sort: ArrowUpDown,
  sun: Sun,
  target: Target,
  undo: Undo2,
  warn: TriangleAlert,
  width: MoveHorizontal,
} satisfies Record<string, LucideIcon>;

export type IconName = keyof typeof drawn;

const sizes = { xs: 14, s: 16, m: 20, l: 26 };

export function Icon({ name, size = 'm', ...rest }: { name: IconName; size?: keyof typeof sizes } & Omit<LucideProps, 'size' | 'ref' | 'name'>) {
  const Drawn = drawn[name];
  return <Drawn size={sizes[size]} strokeWidth={size === 'l' ? 1.4 : 1.6} aria-hidden focusable={false} style={{ flex: 'none' }} {...rest} />;
}

/** The mark of Konsil. */
export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable={false}>
      <rect width="32" height="32" rx="9" fill="var(--solid)" />
      <path d="M9.5 8v16" stroke="var(--on-solid)" strokeWidth="3" strokeLinecap="round" />
      <path d="M22.5 8.500 15 16l7.500 7.500" stroke="var(--on-solid)" strokeWidth="3" fill="none" strokeLinecap="round" strokeLinejoin="round" />
      <circle cx="14.6" cy="16" r="2.6" fill="var(--on-solid)" />
    </svg>
  );
}
